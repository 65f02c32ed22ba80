import type { Gate, Route } from "../config/gate.ts";

/** Where the gate tells that it listens; published nowhere. */
export const GATE_HEALTH = { port: 8404, path: "/healthz" } as const;

/**
 * HAProxy's configuration. Whatever speaks HTTP is asked under an allowed name and by a page of the same origin, or not
 * at all; what is no HTTP is passed on as it is.
 */
export function gateConfig(gate: Gate): string {
  return `${[GENERAL, health(), ...gate.routes.map((route) => section(gate, route))].join("\n\n")}\n`;
}

/** Names are looked up for each connection: a container that was started again may have another address. */
const GENERAL = `global
  log stdout format raw local0 warning
  maxconn 512
  nbthread 1
  hard-stop-after 1s

resolvers engine
  nameserver dns 127.0.0.11:53
  resolve_retries 2
  timeout resolve 1s
  timeout retry 500ms
  hold valid 100ms

defaults
  log global
  timeout connect 3s
  timeout client 1h
  timeout server 1h
  timeout tunnel 12h
  timeout http-request 10s
  timeout http-keep-alive 60s`;

function health(): string {
  return lines(
    "frontend health",
    "mode http",
    `bind 127.0.0.1:${GATE_HEALTH.port}`,
    `monitor-uri ${GATE_HEALTH.path}`,
    "http-request return status 404",
  );
}

function section(gate: Gate, route: Route): string {
  switch (route.speaks) {
    case "tcp":
      return lines(`listen ${route.name}`, "mode tcp", `bind :${route.port}`, ...passedOn("tcp", route));
    case "http":
      return lines(
        `listen ${route.name}`,
        "mode http",
        `bind :${route.port}`,
        ...asked(gate, sameOrigin),
        ...denied(route),
        ...headers(route),
        ...passedOn("http", route),
      );
    case "bolt":
      return [
        lines(
          `frontend ${route.name}`,
          "mode tcp",
          `bind :${route.port}`,
          "tcp-request inspect-delay 5s",
          "tcp-request content switch-mode http if HTTP",
          `use_backend ${route.name}_websocket if HTTP`,
          `default_backend ${route.name}_bolt`,
        ),
        lines(`backend ${route.name}_bolt`, "mode tcp", ...passedOn("tcp", route)),
        lines(
          `backend ${route.name}_websocket`,
          "mode http",
          ...asked(gate, () => originOfBrowser(gate)),
          ...passedOn("http", route),
        ),
      ].join("\n\n");
  }
}

/** Refuses who asks under another name, or from a page of somewhere else. `Host` is compared without its port. */
function asked({ hosts }: Gate, origin: () => string[]): string[] {
  return [
    ...hosts.map((host) => `acl known_name req.hdr(host),host_only,lower -m str ${host}`),
    "acl one_name req.hdr_cnt(host) eq 1",
    refusal(
      421,
      "this name is not one of the stack's; mem0:network.hostNames adds one",
      "!known_name || !one_name",
    ),
    ...origin(),
    "acl from_page req.hdr_cnt(origin) gt 0",
    "acl one_page req.hdr_cnt(origin) eq 1",
    refusal(403, "a page of another origin may not ask here", "from_page !own_page || from_page !one_page"),
  ];
}

/** The page and what it asks have the same host and port; behind `tailscale serve` the page is https. */
function sameOrigin(): string[] {
  return [
    "http-request set-var(txn.host) req.hdr(host),lower",
    "acl own_page req.hdr(origin),lower,regsub(^https?://,),strcmp(txn.host) eq 0",
  ];
}

/** Neo4j's own browser is served on one port and asks another. */
function originOfBrowser({ browserOrigins }: Gate): string[] {
  return browserOrigins.map((origin) => `acl own_page req.hdr(origin),lower -m str ${origin}`);
}

/** Paths are compared as the service would read them, and those with another way of writing one are refused. */
function denied({ denied = [] }: Route): string[] {
  if (denied.length === 0) return [];
  return [
    `acl denied path,url_dec -m beg ${denied.join(" ")}`,
    "acl odd path,url_dec -m sub // /./ /../",
    refusal(403, "this is not shown outside of the container", "denied || odd"),
  ];
}

function headers({ contentPolicy }: Route): string[] {
  return [
    "http-after-response del-header access-control- -m beg",
    "http-after-response set-header x-content-type-options nosniff",
    "http-after-response set-header x-frame-options DENY",
    "http-after-response set-header cross-origin-resource-policy same-origin",
    "http-after-response set-header referrer-policy same-origin",
    ...(contentPolicy === undefined
      ? []
      : [`http-after-response set-header content-security-policy "${contentPolicy}"`]),
  ];
}

function refusal(status: number, text: string, when: string): string {
  return `http-request return status ${status} content-type text/plain string "${text}\\n" if ${when}`;
}

function passedOn(mode: "tcp" | "http", { host, port }: Route): string[] {
  const request = mode === "tcp" ? "tcp-request content" : "http-request";
  const unknown = mode === "tcp" ? `${request} reject` : `${request} return status 503`;
  return [
    // Without it HAProxy does not wait for the answer.
    ...(mode === "tcp" ? ["tcp-request inspect-delay 5s"] : []),
    `${request} do-resolve(txn.address,engine,ipv4) str(${host})`,
    `${unknown} unless { var(txn.address) -m found }`,
    `${request} set-dst var(txn.address)`,
    `${request} set-dst-port int(${port})`,
    `server ${host} 0.0.0.0:0`,
  ];
}

function lines(head: string, ...rest: string[]): string {
  return [head, ...rest.map((line) => `  ${line}`)].join("\n");
}
