import type { Service } from "./names.ts";
import type { Settings } from "./settings.ts";

export type PortKey = keyof Settings["ports"];

/** Services that a stack runs. */
export function servicesOf({
  model,
  observability,
  grafana,
  telegram,
}: Pick<Settings, "model" | "observability" | "grafana" | "telegram">): readonly Service[] {
  return [
    "postgres",
    "neo4j",
    ...([model.llm, model.embedder].some(({ provider }) => provider === "embedded")
      ? (["model"] as const)
      : []),
    "server",
    ...(telegram === undefined ? [] : (["telegram_bot"] as const)),
    ...(observability.exporter === "container" ? (["metrics_exporter"] as const) : []),
    ...(observability.prometheus.mode === "managed" ? (["prometheus"] as const) : []),
    "gate",
    ...(grafana === "container" ? (["grafana"] as const) : []),
  ];
}

/** Under which of the stack's ports each service is reached on the loopback address, by purpose. */
const PUBLISHED: Record<Service, Record<string, PortKey>> = {
  server: { http: "server" },
  postgres: { postgres: "postgres" },
  neo4j: { http: "neo4jHttp", bolt: "neo4jBolt" },
  model: {},
  metrics_exporter: { http: "exporter" },
  prometheus: { http: "prometheus" },
  gate: {},
  telegram_bot: {},
  grafana: { http: "grafana" },
};

/** Keys of the ports under which `service` is reached on the host, by purpose; without those that the settings close. */
export function portKeysOf(
  service: Service,
  { observability, closedPorts }: Pick<Settings, "observability" | "closedPorts">,
): Record<string, PortKey> {
  // An exporter on the host is outside the network on which the server tells its own metrics.
  const metrics = service === "server" && observability.exporter === "host";
  const keys: Record<string, PortKey> = {
    ...PUBLISHED[service],
    ...(metrics ? { metrics: "serverMetrics" } : {}),
  };
  return Object.fromEntries(
    Object.entries(keys).filter(([, key]) => !(closedPorts as readonly string[]).includes(key)),
  );
}

/** The ports that the stack opens on the host, by their key in the settings. */
export function publishedPorts(
  settings: Pick<Settings, "model" | "observability" | "grafana" | "telegram" | "ports" | "closedPorts">,
): [PortKey, number][] {
  return servicesOf(settings)
    .flatMap((service) => Object.values(portKeysOf(service, settings)))
    .map((key) => [key, settings.ports[key]]);
}

/** The settings of a service's limits. */
export function limitsKey(service: Service): keyof Settings["resources"] {
  if (service === "metrics_exporter") return "exporter";
  return service === "telegram_bot" ? "bot" : service;
}
