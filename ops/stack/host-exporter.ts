import path from "node:path";
import { RUNBOOK_FILE } from "../../config/names.ts";
import type { Settings } from "../../services/exporter/src/settings.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import type { DeployedStack } from "./deployed-stack.ts";
import { required } from "./manifest-file.ts";

/** What an exporter that runs on the host needs to know, from a stack's manifest alone. */
export function hostExporterSettings(deployed: DeployedStack): Settings {
  const { manifest, directory } = deployed;
  const { stack, observability, database, model, stores } = manifest;
  if (observability?.exporter !== "host" || database.metricsUser === undefined) {
    throw new Problem(`stack ${stack} does not run its exporter on the host`, {
      mend: `set mem0:observability.exporter to host, then: ./mem0 up ${stack}`,
      exitCode: ExitCode.usage,
    });
  }
  const dataRoot = stores.data !== undefined && path.isAbsolute(stores.data) ? stores.data : undefined;
  const server = (purpose: string) => `http://127.0.0.1:${deployed.port("server", purpose)}`;
  return {
    port: observability.exporterPort,
    hosts: required(observability.hosts, "host names that the exporter answers to", stack),
    stack,
    identity: { instanceId: manifest.instanceId, embedder: model.embedder, dimensions: model.dimensions },
    server: { url: server("http"), metricsUrl: `${server("metrics")}/metrics` },
    postgres: {
      host: "127.0.0.1",
      port: deployed.port("postgres", "postgres"),
      database: database.name,
      user: database.metricsUser,
      passwordFile: deployed.secretFile("metrics_password"),
      collection: database.collection,
    },
    neo4j: {
      uri: `bolt://127.0.0.1:${deployed.port("neo4j", "bolt")}`,
      user: "neo4j",
      passwordFile: deployed.secretFile("neo4j_password"),
    },
    backupRuns: required(observability.backupRuns, "number of runs after which a backup is overdue", stack),
    backupStatusFile: path.join(directory, "status", "backups.json"),
    runbookFile: path.join(directory, RUNBOOK_FILE),
    ...(observability.grafana === undefined ? {} : { dashboardUrl: observability.grafana.dashboard }),
    // Named volumes lie in Docker's own place, which only the engine sees.
    disks: { state: directory, ...(dataRoot === undefined ? {} : { data: dataRoot }) },
  };
}
