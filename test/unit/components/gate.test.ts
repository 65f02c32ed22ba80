import { describe, expect, it } from "vitest";
import { gateConfig } from "../../../components/gate-config.ts";
import { gateOf } from "../../../config/gate.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { named, ofType } from "../../harness/support/mock-engine.ts";
import { CONTAINER, stackOf } from "./declared-stack.ts";

describe("the gate", () => {
  const portsOf = async (groups: object = {}) => {
    const ports = ofType(await stackOf(exampleSettings({ ...groups })), CONTAINER).map(
      ({ name, inputs }) =>
        [name, (inputs.ports as { external: number }[]).map(({ external }) => external)] as const,
    );
    return Object.fromEntries(ports.filter(([, published]) => published.length > 0));
  };

  it("publishes what is published on the host, except the API, which the server does", async () => {
    expect(await portsOf()).toEqual({
      "server-container": [8888],
      // By the port inside: 3000, 5432, 7474, 7687, 9090, 9103.
      "gate-container": [3001, 5433, 7474, 7687, 9090, 9103],
    });
  });

  it("publishes no port that the settings close, and the manifest names none", async () => {
    const closedPorts = ["exporter", "prometheus", "neo4jHttp"];
    const groups = { network: { closedPorts }, observability: { grafana: { mode: "off" } } };
    expect((await portsOf(groups))["gate-container"]).toEqual([5433, 7687]);
    const resources = await stackOf(exampleSettings(groups));
    const manifest = JSON.parse(named(resources, "manifest-file-write").inputs.stdin as string);
    expect(manifest.services.neo4j.ports).toEqual({ bolt: 7687 });
    expect(manifest.observability).not.toHaveProperty("prometheusUrl");
  });

  it("holds no secret", async () => {
    const { inputs } = named(await stackOf(exampleSettings()), "gate-container");
    expect(inputs.mounts).toEqual([
      expect.objectContaining({ target: "/etc/haproxy/haproxy.cfg", readOnly: true }),
    ]);
  });
});

describe("the gate's configuration", () => {
  const hostNames = Array.from({ length: 32 }, (_, index) => `name${index}.example`);
  const config = gateConfig(gateOf(exampleSettings({ network: { hostNames } })));
  const sections = config.split("\n\n").filter((section) => /^(listen|backend)/.test(section));

  it("asks whatever speaks HTTP for the name and the origin before anything is passed on", () => {
    const http = sections.filter((section) => section.includes("mode http"));
    expect(http.map((section) => section.split(/\s/)[1])).toEqual([
      ...["neo4jHttp", "neo4jBolt_websocket", "exporter", "prometheus", "grafana"],
    ]);
    for (const section of http) {
      const [name, origin, passed] = ["return status 421", "return status 403", "do-resolve"].map((rule) =>
        section.indexOf(rule),
      );
      expect(name).toBeGreaterThan(0);
      expect(origin).toBeGreaterThan(name ?? 0);
      expect(passed).toBeGreaterThan(origin ?? 0);
    }
  });

  it("has no line of more words than HAProxy reads, however many names there are", () => {
    expect(Math.max(...config.split("\n").map((line) => line.split(" ").length))).toBeLessThan(64);
    for (const name of hostNames) expect(config).toContain(`-m str ${name}\n`);
  });

  it("lets a page of Neo4j's browser alone ask Bolt's port", () => {
    const { browserOrigins } = gateOf(exampleSettings({ network: { hostNames: ["mac.example"] } }));
    expect(browserOrigins).toEqual(
      expect.arrayContaining(["http://127.0.0.1:7474", "http://localhost:7474", "https://mac.example"]),
    );
    expect(browserOrigins.filter((origin) => /:(?!7474$)\d+$/.test(origin))).toEqual([]);
  });
});
