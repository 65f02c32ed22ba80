import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Provider as GrafanaProvider } from "@pulumiverse/grafana";
import { type BuiltService, RUNBOOK_FILE } from "../config/names.ts";
import { servicesOf } from "../config/services.ts";
import type { GivenSecrets, Settings } from "../config/settings.ts";
import { alertOptions } from "../observability/alerts.ts";
import { prometheusRules } from "../observability/prometheus-rules.ts";
import { runbookPage } from "../observability/runbook-page.ts";
import { Alerts } from "./alerts.ts";
import { Dashboard } from "./dashboard.ts";
import { Exporter } from "./exporter.ts";
import { ExternalPrometheus } from "./external-prometheus.ts";
import { Gate } from "./gate.ts";
import { Grafana, grafanaUrl } from "./grafana.ts";
import { HostFile, type MountedFile } from "./host-file.ts";
import { type BuildContext, Images } from "./images.ts";
import { Manifest } from "./manifest.ts";
import { MemoryServer } from "./memory-server.ts";
import { Model } from "./model.ts";
import { Neo4j } from "./neo4j.ts";
import { Network } from "./network.ts";
import { Postgres } from "./postgres.ts";
import { Prometheus } from "./prometheus.ts";
import { Schedule, type ScheduledProgram } from "./schedule.ts";
import { Secrets, type SecretsArgs } from "./secrets.ts";
import { DockerTarget } from "./targets/docker.ts";
import { TelegramBot } from "./telegram-bot.ts";

export interface StackOutputs {
  address: string;
  manifest: pulumi.Output<string>;
  instanceId: pulumi.Output<string>;
}

/** What a stack needs beside its settings, found by the caller. */
export interface Surroundings {
  /** Whether the container of an external Prometheus is there to be told about the stack. */
  externalPrometheusRuns: boolean;
  /** Text of docs/runbook.md. */
  runbook: string;
  /** What runs by itself, and how the manifest tells it; undefined where nothing does. */
  schedule?: ScheduledProgram | undefined;
}

/**
 * All of a stack, from settings to manifest. Secrets are wrapped here, before anything else sees them.
 */
export function declareStack(
  settings: Settings,
  given: GivenSecrets,
  contexts: Record<BuiltService, BuildContext>,
  { externalPrometheusRuns, runbook, schedule }: Surroundings,
): StackOutputs {
  const target = new DockerTarget(settings);
  const network = new Network("network", { settings, target });
  const secretly = wrapped(given);
  const secrets = new Secrets("secrets", { settings, given: secretly });
  const services = servicesOf(settings);
  const images = new Images("images", { settings, target, contexts, services });

  const context = { settings, target, network, images };
  const { service: gate } = new Gate("gate", context);
  const { service: postgres } = new Postgres("postgres", { ...context, secrets });
  const { service: neo4j } = new Neo4j("neo4j", { ...context, secrets });
  const model = services.includes("model") ? new Model("model", context).service : undefined;
  const { service: server } = new MemoryServer("server", { ...context, secrets, postgres, neo4j, model });

  const bot = services.includes("telegram_bot")
    ? new TelegramBot("telegram-bot", { ...context, secrets, server }).service
    : undefined;

  const page = settings.observability.exporter === "off" ? undefined : runbookFile(settings, runbook);
  const exporter =
    page !== undefined && services.includes("metrics_exporter")
      ? new Exporter("exporter", { ...context, secrets, postgres, neo4j, server, bot, runbook: page }).service
      : undefined;
  const watched = {
    settings,
    exporter: exporterAddress(settings),
    rules: prometheusRules(alertOptions(settings)),
  };
  const prometheus = services.includes("prometheus")
    ? new Prometheus("prometheus", { ...context, ...watched }).service
    : undefined;
  if (settings.observability.prometheus.mode === "external") {
    new ExternalPrometheus("external-prometheus", { ...watched, target, running: externalPrometheusRuns });
  }

  const grafana = services.includes("grafana")
    ? new Grafana("grafana", {
        ...context,
        secrets,
        gate,
        prometheus,
        callsOut: given.alertWebhookUrl !== undefined,
      })
    : undefined;
  declareInGrafana(settings, grafana?.url ?? grafanaUrl(settings), secrets, secretly);

  const manifest = new Manifest("manifest", {
    settings,
    images,
    secrets,
    services,
    schedule: schedule?.deployed,
    after: [server, gate, bot, exporter, prometheus, grafana?.service].filter(
      (service) => service !== undefined,
    ),
  });
  if (schedule !== undefined) new Schedule("schedule", { ...schedule, settings, manifest });

  return {
    address: `http://127.0.0.1:${settings.ports.server}`,
    manifest: manifest.path,
    instanceId: secrets.instanceId,
  };
}

/** What is kept in Grafana, its own container's or another one; nothing where there is none. */
function declareInGrafana(
  settings: Settings,
  url: pulumi.Input<string> | undefined,
  { grafanaAuth: auth }: Secrets,
  { alertWebhookUrl }: SecretsArgs["given"],
): void {
  if (url === undefined || auth === undefined) return;
  const providers = [new GrafanaProvider("grafana-provider", { url, auth })];
  const dashboard = new Dashboard("dashboard", { settings }, { providers });
  const receivers = alertWebhookUrl === undefined ? {} : { webhookUrl: alertWebhookUrl };
  new Alerts("alerts", { settings, dashboard, receivers }, { providers });
}

function wrapped({ apiKeys, ...single }: GivenSecrets): SecretsArgs["given"] {
  const secrets = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, pulumi.secret(value)]));
  return { ...secrets(single), ...(apiKeys === undefined ? {} : { apiKeys: secrets(apiKeys) }) };
}

/** What alerts and dashboard link to. */
function runbookFile({ stateDir, runAs }: Settings, runbook: string): MountedFile {
  const { path: filePath, revision } = new HostFile("runbook", {
    path: path.join(stateDir, RUNBOOK_FILE),
    content: runbookPage(runbook),
    mode: "0600",
    owner: `${runAs.uid}:${runAs.gid}`,
  });
  return { name: "runbook", path: filePath, revision };
}

/** The exporter as a Prometheus in a container reaches it: by name on a common network, else through the host. */
function exporterAddress({ names, ports, observability, externalNetwork }: Settings): string {
  const onHost = `host.docker.internal:${ports.exporter}`;
  if (observability.exporter !== "container") return onHost;
  if (observability.prometheus.mode === "managed") return "metrics_exporter:9103";
  return externalNetwork === undefined ? onHost : `${names.container("metrics_exporter")}:9103`;
}
