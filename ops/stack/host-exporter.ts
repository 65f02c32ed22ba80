import path from "node:path";
import type { Manifest } from "../../config/manifest.ts";
import { RUNBOOK_FILE } from "../../config/names.ts";
import type { Settings } from "../../services/exporter/src/settings.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { required } from "./manifest-file.ts";

/** What an exporter that runs on the host needs to know, from a stack's manifest alone. */
export function hostExporterSettings(manifest: Manifest): Settings {
  const { stack, observability, database, model, services, secretFiles, stores } = manifest;
  if (observability?.exporter !== "host" || database.metricsUser === undefined) {
    throw new Problem(`stack ${stack} does not run its exporter on the host`, {
      mend: `set mem0:observability.exporter to host, then: ./mem0 up ${stack}`,
      exitCode: ExitCode.usage,
    });
  }
  const port = (service: string, purpose: string) =>
    required(services[service]?.ports[purpose], `port ${purpose} of ${service}`, stack);
  const secret = (name: string) => required(secretFiles[name], `secret file ${name}`, stack);
  const passwordFile = secret("metrics_password");
  const stateDir = path.dirname(path.dirname(passwordFile));
  const dataRoot = stores.data !== undefined && path.isAbsolute(stores.data) ? stores.data : undefined;
  const server = (purpose: string) => `http://127.0.0.1:${port("server", purpose)}`;
  return {
    port: observability.exporterPort,
    stack,
    identity: { instanceId: manifest.instanceId, embedder: model.embedder, dimensions: model.dimensions },
    server: { url: server("http"), metricsUrl: `${server("metrics")}/metrics` },
    postgres: {
      host: "127.0.0.1",
      port: port("postgres", "postgres"),
      database: database.name,
      user: database.metricsUser,
      passwordFile,
      collection: database.collection,
    },
    neo4j: {
      uri: `bolt://127.0.0.1:${port("neo4j", "bolt")}`,
      user: "neo4j",
      passwordFile: secret("neo4j_password"),
    },
    backupRuns: required(observability.backupRuns, "number of runs after which a backup is overdue", stack),
    backupStatusFile: path.join(stateDir, "status", "backups.json"),
    runbookFile: path.join(stateDir, RUNBOOK_FILE),
    ...(observability.grafana === undefined ? {} : { dashboardUrl: observability.grafana.dashboard }),
    // Named volumes lie in Docker's own place, which only the engine sees.
    disks: { state: stateDir, ...(dataRoot === undefined ? {} : { data: dataRoot }) },
  };
}
