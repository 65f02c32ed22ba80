import { allowedHosts } from "./host-names.ts";
import { type PortKey, publishedPorts } from "./services.ts";
import type { Settings } from "./settings.ts";

type GateSettings = Pick<
  Settings,
  "names" | "hostNames" | "ports" | "closedPorts" | "model" | "observability" | "grafana" | "telegram"
>;

/** One port of the host, and the service behind it. */
export interface Route {
  /** What the gate calls it, and its key among the ports of the settings. */
  name: PortKey;
  /** Name of the service on the stack's own network, and the port it listens on there; the gate listens on the same. */
  host: string;
  port: number;
  /** `bolt` is Bolt, or HTTP that becomes a WebSocket. */
  speaks: "tcp" | "http" | "bolt";
  /** Beginnings of paths that nobody gets. */
  denied?: readonly string[];
  /** What its pages may load, where they do not say so themselves. */
  contentPolicy?: string;
}

/** How each port is reached that the gate publishes: all but that of the server's API, which the server publishes. */
const ROUTES: Readonly<Record<Exclude<PortKey, "server">, Omit<Route, "name">>> = {
  postgres: { host: "postgres", port: 5432, speaks: "tcp" },
  neo4jHttp: { host: "neo4j", port: 7474, speaks: "http" },
  neo4jBolt: { host: "neo4j", port: 7687, speaks: "bolt" },
  exporter: { host: "metrics_exporter", port: 9103, speaks: "http" },
  prometheus: {
    host: "prometheus",
    port: 9090,
    speaks: "http",
    // Profiles show what the process holds, the configuration where things lie; the last three change something.
    denied: [
      ...["/debug", "/config", "/flags", "/service-discovery"],
      ...["/classic/config", "/classic/flags", "/classic/service-discovery"],
      ...["/api/v1/status/config", "/api/v1/status/flags", "/api/v1/admin"],
      ...["/-/reload", "/-/quit"],
    ],
  },
  grafana: { host: "grafana", port: 3000, speaks: "http" },
  serverMetrics: { host: "server", port: 9464, speaks: "http" },
};

/** All that the gate has to know. */
export interface Gate {
  routes: readonly Route[];
  /** Names that it answers to, without ports. */
  hosts: readonly string[];
  /** Origins of the pages of Neo4j's browser, which asks Bolt's port. */
  browserOrigins: readonly string[];
}

/** What the gate of a stack publishes, and to whom. */
export function gateOf(settings: GateSettings): Gate {
  const { ports, hostNames } = settings;
  const hosts = allowedHosts(settings);
  const own = hosts.filter((host) => !hostNames.includes(host));
  const keys = publishedPorts(settings).map(([key]) => key);
  return {
    routes: keys
      .filter((key) => key !== "server")
      .map((name) => ({ name, ...ROUTES[name], ...contentPolicy(name, settings) })),
    hosts,
    browserOrigins: [
      ...own.map((host) => `http://${host}:${ports.neo4jHttp}`),
      // What leads here from outside, `tailscale serve` for one, has a port of its own choice, or none.
      ...hostNames.flatMap((host) => [`https://${host}`, `http://${host}:${ports.neo4jHttp}`]),
    ],
  };
}

/** Nothing from another origin, and in no frame of one. */
const OWN_ONLY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
];

/** What pages may load that are not ours and ask for more than they need, or say nothing. */
function contentPolicy(name: PortKey, { ports, hostNames }: GateSettings): Pick<Route, "contentPolicy"> {
  const policy = (...more: string[]) => ({ contentPolicy: [...OWN_ONLY, ...more].join("; ") });
  switch (name) {
    case "prometheus":
      return policy("script-src 'self' 'unsafe-inline'");
    case "grafana":
      return policy(
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
      );
    case "neo4jHttp": {
      // Its browser speaks Bolt in a WebSocket.
      const bolt = ["127.0.0.1", "localhost"].map((host) => `ws://${host}:${ports.neo4jBolt}`);
      return policy(["connect-src 'self'", ...bolt, ...hostNames.map((host) => `wss://${host}:*`)].join(" "));
    }
    default:
      return {};
  }
}
