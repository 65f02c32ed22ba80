import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { placeOf } from "../config/continuity.ts";
import { allowedHosts } from "../config/host-names.ts";
import {
  ALERTS,
  DISK_FREE_GB,
  DRILL_DAYS,
  type Manifest as ManifestContent,
  TELEGRAM_URL,
} from "../config/manifest.ts";
import type { Service } from "../config/names.ts";
import { portKeysOf } from "../config/services.ts";
import type { Settings } from "../config/settings.ts";
import { dashboardUrl, grafanaUrl } from "./grafana.ts";
import { HostFile } from "./host-file.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import type { RunningService } from "./service.ts";

export interface ManifestArgs {
  settings: Settings;
  images: Images;
  secrets: Secrets;
  /** Services that this stack runs. */
  services: readonly Service[];
  /** What runs by itself. */
  schedule?: ManifestContent["schedule"];
  /** What must be up before the manifest says so. */
  after: RunningService[];
}

/** Writes manifest.json, which every host verb reads, once all containers are up. */
export class Manifest extends pulumi.ComponentResource {
  readonly path: pulumi.Output<string>;

  constructor(name: string, args: ManifestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Manifest", name, {}, opts);
    const file = new HostFile(
      `${name}-file`,
      {
        path: path.join(args.settings.stateDir, "manifest.json"),
        content: manifestContent(args).apply((content) => `${JSON.stringify(content, null, 2)}\n`),
        mode: "0600",
        // It tells which data exists and how it was embedded, also while no container runs.
        keepOnDelete: true,
      },
      { parent: this, dependsOn: args.after.map(({ resource }) => resource) },
    );
    this.path = file.path;
    this.registerOutputs({ path: this.path });
  }
}

function manifestContent({
  settings,
  images,
  secrets,
  services,
  schedule,
}: ManifestArgs): pulumi.Output<ManifestContent> {
  const { names, ports, model, memory, server } = settings;
  const published = (service: Service) =>
    Object.fromEntries(
      Object.entries(portKeysOf(service, settings)).map(([purpose, key]) => [purpose, ports[key]]),
    );
  // Those of Prometheus and Grafana too when they are off now: what they kept earlier is deleted with the rest.
  const stores = ["postgres", "neo4j", "data", "prometheus", "grafana", "telegram_bot"];
  const files = [
    secrets.postgresPassword,
    secrets.neo4jPassword,
    secrets.metricsPassword,
    secrets.apiKey,
    ...Object.values(secrets.clientKeys),
    secrets.apiKeys,
    secrets.sealKey,
    secrets.openaiApiKey,
    secrets.telegramToken,
    secrets.telegramChat,
    secrets.alertWebhookUrl,
    secrets.grafana?.adminPassword,
    secrets.grafana?.secretKey,
  ];
  return pulumi.output({
    version: 1 as const,
    stack: settings.stack,
    homeId: settings.homeId,
    instanceId: secrets.instanceId,
    dockerHost: settings.dockerHost,
    services: Object.fromEntries(
      services.map((service) => [
        service,
        { container: names.container(service), image: images.id(service), ports: published(service) },
      ]),
    ),
    network: names.internalNetwork,
    stores: Object.fromEntries(stores.map((store) => [store, placeOf(settings, store)])),
    database: {
      name: names.database,
      user: names.databaseUser,
      collection: memory.collection,
      metricsUser: names.metricsUser,
    },
    model: {
      provider: model.provider,
      llm: model.llm.model,
      embedder: model.embedder.model,
      dimensions: model.embedder.dimensions,
    },
    defaultUser: memory.defaultUser,
    addSeconds: server.timeouts.addSeconds,
    observability: {
      exporter: settings.observability.exporter,
      exporterPort: ports.exporter,
      // A container is told by its environment; versions before refuse a manifest with a key that they do not know.
      ...(settings.observability.exporter === "host" ? { hosts: allowedHosts(settings) } : {}),
      job: settings.observability.prometheus.job,
      backupRuns: settings.observability.alerts.backupRuns,
      ...thresholds(settings),
      ...prometheusUrl(settings),
      ...grafana(settings),
    },
    backup: settings.backup,
    ...(schedule === undefined ? {} : { schedule }),
    ...alerts(settings),
    secretFiles: Object.fromEntries(
      files.filter((file) => file !== undefined).map((file) => [file.name, file.path]),
    ),
  });
}

/** Said only where they are other ones: versions before refuse a manifest with a key that they do not know. */
function thresholds({ observability }: Settings): { diskFreeGb?: number; drillDays?: number } {
  const { diskFreeGb, drillDays } = observability.alerts;
  return {
    ...(diskFreeGb === DISK_FREE_GB ? {} : { diskFreeGb }),
    ...(drillDays === DRILL_DAYS ? {} : { drillDays }),
  };
}

function alerts({ alerts, telegram }: Settings): Pick<ManifestContent, "alerts"> {
  const said = { ...alerts, telegramUrl: telegram?.apiUrl ?? TELEGRAM_URL };
  return isDeepStrictEqual(said, { ...ALERTS, telegramUrl: TELEGRAM_URL }) ? {} : { alerts: said };
}

function prometheusUrl({ observability, ports, closedPorts }: Settings): { prometheusUrl?: string } {
  const { mode, url } = observability.prometheus;
  if (mode === "off" || (mode === "managed" && closedPorts.includes("prometheus"))) return {};
  return { prometheusUrl: mode === "managed" ? `http://127.0.0.1:${ports.prometheus}` : url };
}

function grafana(settings: Settings): Pick<NonNullable<ManifestContent["observability"]>, "grafana"> {
  const [url, dashboard] = [grafanaUrl(settings), dashboardUrl(settings)];
  if (url === undefined || dashboard === undefined) return {};
  const { adminUser } = settings.observability.grafana;
  return { grafana: { url, dashboard, ...(settings.grafana === "container" ? { adminUser } : {}) } };
}
