import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config/names.ts";
import type { GivenSecrets, Settings } from "../config/settings.ts";
import { type BuildContext, Images } from "./images.ts";
import { Manifest } from "./manifest.ts";
import { MemoryServer } from "./memory-server.ts";
import { Model } from "./model.ts";
import { Neo4j } from "./neo4j.ts";
import { Network } from "./network.ts";
import { Postgres } from "./postgres.ts";
import { Secrets } from "./secrets.ts";

export interface StackOutputs {
  address: string;
  manifest: pulumi.Output<string>;
  instanceId: pulumi.Output<string>;
}

/** Services that a stack runs: the model's container only where no other model is used. */
export function servicesOf(settings: Pick<Settings, "model">): readonly Service[] {
  const stores = ["postgres", "neo4j"] as const;
  return settings.model.provider === "embedded" ? [...stores, "model", "server"] : [...stores, "server"];
}

/** All of a stack, from settings to manifest. Secrets are wrapped here, before anything else sees them. */
export function declareStack(
  settings: Settings,
  given: GivenSecrets,
  contexts: Record<Service, BuildContext>,
): StackOutputs {
  const network = new Network("network", { settings });
  const secrets = new Secrets("secrets", {
    settings,
    given: Object.fromEntries(Object.entries(given).map(([key, value]) => [key, pulumi.secret(value)])),
  });
  const services = servicesOf(settings);
  const images = new Images("images", { settings, contexts, services });

  const context = { settings, network, images };
  const postgres = new Postgres("postgres", { ...context, secrets });
  const neo4j = new Neo4j("neo4j", { ...context, secrets });
  const model = services.includes("model") ? new Model("model", context) : undefined;
  const server = new MemoryServer("server", {
    ...context,
    secrets,
    stores: [postgres.container, neo4j.container, ...(model === undefined ? [] : [model.container])],
  });

  const manifest = new Manifest("manifest", {
    settings,
    images,
    secrets,
    services,
    after: [server.container],
  });

  return {
    address: `http://127.0.0.1:${settings.ports.server}`,
    manifest: manifest.path,
    instanceId: secrets.instanceId,
  };
}
