import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { allowedHosts } from "../config/host-names.ts";
import { BOT_PORT } from "../config/names.ts";
import { dashboardUrl } from "./grafana.ts";
import { hostDirectory } from "./host-directory.ts";
import type { MountedFile } from "./host-file.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import {
  httpHealth,
  type RunningService,
  SECRETS_DIRECTORY,
  type ServiceContext,
  type Store,
} from "./service.ts";

export interface ExporterArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
  /** What it watches. */
  postgres: RunningService;
  neo4j: RunningService;
  server: RunningService;
  /** Undefined: there is no bot. */
  bot: RunningService | undefined;
  /** The runbook as a page of HTML. */
  runbook: MountedFile;
}

const STATUS = "/status";
const DATA_DISK = "/disk/data";
const RUNBOOK = "/etc/mem0/runbook.html";

/** The exporter: metrics of the whole stack and a page that shows it at a glance. */
export class Exporter extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: ExporterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Exporter", name, {}, opts);
    const { settings, secrets, postgres, neo4j, server, bot } = args;
    const { names, model, memory, runAs, dataRoot } = settings;

    const dashboard = dashboardUrl(settings);
    const directory = (part: string, source: string) =>
      hostDirectory(
        `${name}-${part}`,
        { path: source, mode: "0755", owner: `${runAs.uid}:${runAs.gid}` },
        { parent: this, retainOnDelete: true },
      );
    const readOnly = (source: pulumi.Output<string>, target: string): Store => ({
      kind: "directory",
      source,
      target,
      readOnly: true,
    });
    const status = readOnly(directory("status", path.join(settings.stateDir, "status")), STATUS);
    // An empty directory beside the stores tells how full their disk is, and shows nothing of what is in them.
    const disk =
      dataRoot === undefined ? [] : [readOnly(directory("disk", path.join(dataRoot, ".disk")), DATA_DISK)];

    this.service = args.target.run(
      name,
      {
        service: "metrics_exporter",
        image: args.images.id("metrics_exporter"),
        env: {
          ALLOWED_HOSTS: allowedHosts(settings).join(","),
          MEM0_STACK: settings.stack,
          INSTANCE_ID: secrets.instanceId,
          EMBEDDER_MODEL: model.embedder.model,
          EMBEDDER_DIMENSIONS: String(model.embedder.dimensions),
          SERVER_URL: `http://${server.host}:8888`,
          SERVER_METRICS_URL: `http://${server.host}:9464/metrics`,
          ...(bot === undefined ? {} : { BOT_METRICS_URL: `http://${bot.host}:${BOT_PORT}/metrics` }),
          POSTGRES_HOST: postgres.host,
          POSTGRES_DB: names.database,
          POSTGRES_USER: names.metricsUser,
          POSTGRES_PASSWORD_FILE: `${SECRETS_DIRECTORY}/metrics_password`,
          MEMORY_COLLECTION: memory.collection,
          NEO4J_URI: `bolt://${neo4j.host}:7687`,
          NEO4J_USERNAME: "neo4j",
          NEO4J_PASSWORD_FILE: `${SECRETS_DIRECTORY}/neo4j_password`,
          BACKUP_RUNS: String(settings.observability.alerts.backupRuns),
          BACKUP_STATUS_FILE: `${STATUS}/backups.json`,
          RUNBOOK_FILE: RUNBOOK,
          ...(dashboard === undefined ? {} : { DASHBOARD_URL: dashboard }),
          // Named volumes lie on the disk that holds the container itself.
          DISK_DATA: dataRoot === undefined ? "/" : DATA_DISK,
          DISK_STATE: STATUS,
        },
        stores: [status, ...disk],
        files: [{ ...args.runbook, target: RUNBOOK }],
        secrets: [secrets.metricsPassword, secrets.neo4jPassword],
        health: httpHealth(9103, "/healthz", 5),
        limits: settings.resources.exporter,
        graceSeconds: 10,
        inside: bot === undefined ? ["all"] : ["all", "bot"],
        // An external Prometheus finds it on the external network.
        shared: settings.observability.prometheus.mode === "external",
      },
      { parent: this, network: args.network },
    );
    this.registerOutputs({ container: this.service.name });
  }
}
