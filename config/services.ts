import type { Service } from "./names.ts";
import type { Settings } from "./settings.ts";

type PortKey = keyof Settings["ports"];

/** Services that a stack runs. */
export function servicesOf({
  model,
  observability,
  grafana,
}: Pick<Settings, "model" | "observability" | "grafana">): readonly Service[] {
  return [
    "postgres",
    "neo4j",
    ...([model.llm, model.embedder].some(({ provider }) => provider === "embedded")
      ? (["model"] as const)
      : []),
    "server",
    ...(observability.exporter === "container" ? (["metrics_exporter"] as const) : []),
    ...(observability.prometheus.mode === "managed" ? (["prometheus"] as const) : []),
    ...(grafana === "container" ? (["grafana"] as const) : []),
  ];
}

/** Which of the stack's ports each service publishes on the loopback address, by purpose. */
const PUBLISHED: Record<Service, Record<string, PortKey>> = {
  server: { http: "server" },
  postgres: { postgres: "postgres" },
  neo4j: { http: "neo4jHttp", bolt: "neo4jBolt" },
  model: {},
  metrics_exporter: { http: "exporter" },
  prometheus: { http: "prometheus" },
  grafana: { http: "grafana" },
};

/** Keys of the ports that `service` publishes, by purpose. */
export function portKeysOf(
  service: Service,
  { observability }: Pick<Settings, "observability">,
): Record<string, PortKey> {
  const keys = PUBLISHED[service];
  // An exporter on the host is outside the network on which the server tells its own metrics.
  return service === "server" && observability.exporter === "host"
    ? { ...keys, metrics: "serverMetrics" }
    : keys;
}

/** The ports that the stack opens on the host, by their key in the settings. */
export function publishedPorts(
  settings: Pick<Settings, "model" | "observability" | "grafana" | "ports">,
): [PortKey, number][] {
  return servicesOf(settings)
    .flatMap((service) => Object.values(portKeysOf(service, settings)))
    .map((key) => [key, settings.ports[key]]);
}
