import * as pulumi from "@pulumi/pulumi";
import type { BuiltService } from "../config/names.ts";
import { servicesOf } from "../config/services.ts";
import type { GivenSecrets, Settings } from "../config/settings.ts";
import { prometheusRules } from "../observability/prometheus-rules.ts";
import { Exporter } from "./exporter.ts";
import { ExternalPrometheus } from "./external-prometheus.ts";
import { Grafana } from "./grafana.ts";
import { type BuildContext, Images } from "./images.ts";
import { Manifest } from "./manifest.ts";
import { MemoryServer } from "./memory-server.ts";
import { Model } from "./model.ts";
import { Neo4j } from "./neo4j.ts";
import { Network } from "./network.ts";
import { Postgres } from "./postgres.ts";
import { Prometheus } from "./prometheus.ts";
import { Secrets, type SecretsArgs } from "./secrets.ts";

export interface StackOutputs {
  address: string;
  manifest: pulumi.Output<string>;
  instanceId: pulumi.Output<string>;
}

/**
 * All of a stack, from settings to manifest. Secrets are wrapped here, before anything else sees them.
 *
 * @param externalPrometheusRuns whether the container of an external Prometheus is there to be told about the stack
 */
export function declareStack(
  settings: Settings,
  given: GivenSecrets,
  contexts: Record<BuiltService, BuildContext>,
  externalPrometheusRuns = false,
): StackOutputs {
  const network = new Network("network", { settings });
  const secrets = new Secrets("secrets", {
    settings,
    given: wrapped(given),
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

  const exporter = services.includes("metrics_exporter")
    ? new Exporter("exporter", { ...context, secrets })
    : undefined;
  const watched = {
    settings,
    exporter: exporterAddress(settings),
    rules: prometheusRules({
      stack: settings.stack,
      job: settings.observability.prometheus.job,
      thresholds: settings.observability.alerts,
      runbook: "docs/runbook.md",
    }),
  };
  const prometheus = services.includes("prometheus")
    ? new Prometheus("prometheus", { ...context, ...watched })
    : undefined;
  if (settings.observability.prometheus.mode === "external") {
    new ExternalPrometheus("external-prometheus", { ...watched, running: externalPrometheusRuns });
  }

  const grafana = services.includes("grafana")
    ? new Grafana("grafana", {
        ...context,
        secrets,
        after: prometheus === undefined ? [] : [prometheus.container],
        callsOut: given.alertWebhookUrl !== undefined,
      })
    : undefined;

  const manifest = new Manifest("manifest", {
    settings,
    images,
    secrets,
    services,
    after: [server, exporter, prometheus, grafana].flatMap((part) =>
      part === undefined ? [] : [part.container],
    ),
  });

  return {
    address: `http://127.0.0.1:${settings.ports.server}`,
    manifest: manifest.path,
    instanceId: secrets.instanceId,
  };
}

function wrapped({ apiKeys, ...single }: GivenSecrets): SecretsArgs["given"] {
  const secrets = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, pulumi.secret(value)]));
  return { ...secrets(single), ...(apiKeys === undefined ? {} : { apiKeys: secrets(apiKeys) }) };
}

/** The exporter as a Prometheus in a container reaches it: by name on a common network, else through the host. */
function exporterAddress({ names, ports, observability, externalNetwork }: Settings): string {
  const onHost = `host.docker.internal:${ports.exporter}`;
  if (observability.exporter !== "container") return onHost;
  if (observability.prometheus.mode === "managed") return "metrics_exporter:9103";
  return externalNetwork === undefined ? onHost : `${names.container("metrics_exporter")}:9103`;
}
