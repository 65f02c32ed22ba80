import { describe, expect, it } from "vitest";
import { type HostFacts, preflight, warnings } from "../../../../ops/stack/preflight.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { exampleSettings, hostWithoutRegistry } from "../../../harness/support/example-settings.ts";

const settings = exampleSettings({ ports: { server: 18888 } });

/** A host on which nothing stands in the way. */
const clear: HostFacts = {
  engine: { version: "20.10.24", apiVersion: "1.41", cpus: 2 },
  engineRoot: undefined,
  containers: [],
  networks: ["bridge"],
  busyPorts: [],
  deployed: undefined,
  otherStacks: [],
  dataRoot: undefined,
};

const deployed = exampleManifest({ homeId: settings.homeId });

function container(name: string, facts: Partial<HostFacts["containers"][number]>) {
  return { name, running: true, home: undefined, stack: undefined, ports: [], ...facts };
}

const ours = { home: settings.homeId, stack: "test" };
const GIB = 1024 ** 3;

describe("before anything changes", () => {
  it("a clear host passes", () => {
    expect(preflight(settings, clear)).toEqual([]);
  });

  it("a stack that already runs does not stand in its own way", () => {
    const containers = [container("mem0_server_test", { ...ours, ports: [18888] })];
    expect(preflight(settings, { ...clear, containers, busyPorts: [18888], deployed })).toEqual([]);
  });

  it.each<[string, Partial<HostFacts>, string]>([
    [
      "an engine that is too old",
      { engine: { version: "19.03", apiVersion: "1.40", cpus: 2 } },
      "Docker 19.03 is too old (API 1.40); needed: API 1.41, Docker 20.10 or newer",
    ],
    [
      "a port that something listens on",
      { busyPorts: [18888] },
      "mem0:ports.server: something on this host listens on 18888 (lsof -i :18888); stop it or take another port",
    ],
    [
      "a port of another stack, even of one that is down",
      { otherStacks: [{ stack: "prd", ports: [18888] }] },
      "mem0:ports.server: 18888 belongs to stack prd; take another port",
    ],
    [
      "a port of a foreign container",
      { containers: [container("web", { ports: [18888] })], busyPorts: [18888] },
      "mem0:ports.server: 18888 is used by container web; take another port",
    ],
    [
      "a container of our name that another set-up made",
      { containers: [container("mem0_postgres_test", { home: "other", stack: "test" })] },
      "container mem0_postgres_test exists and was not made by this set-up; keep its data, then: " +
        "docker stop mem0_postgres_test && docker rm mem0_postgres_test",
    ],
    [
      "a data directory that cannot be written",
      { dataRoot: { path: "/v", keepsPermissions: false, freeBytes: undefined, error: "EACCES" } },
      "mem0:data.root: /v cannot be written: EACCES",
    ],
    [
      "a file system without owners and modes",
      { dataRoot: { path: "/v", keepsPermissions: false, freeBytes: 99 * GIB, error: undefined } },
      "mem0:data.root: the file system of /v does not keep owners and modes; databases need one that does (APFS, ext4)",
    ],
    [
      "a full disk",
      { dataRoot: { path: "/v", keepsPermissions: true, freeBytes: 3 * GIB, error: undefined } },
      "mem0:data.root: 3.0 GiB free at /v; needed: 10.0 GiB",
    ],
    [
      "a full disk of Docker's",
      { engineRoot: { path: "/var/lib/docker", freeBytes: 3 * GIB } },
      "Docker's disk: 3.0 GiB free at /var/lib/docker; needed: 10.0 GiB; " +
        "docker system df tells what takes it, docker image prune frees old images",
    ],
    [
      "an embedder that the stored memories were not made with",
      { deployed: { ...deployed, model: { ...deployed.model, embedder: "nomic-embed-text" } } },
      "mem0:model.embedder: is mem0-embedded, but this stack was deployed with nomic-embed-text: " +
        "stored embeddings of another model match nothing",
    ],
    [
      "data that was deployed elsewhere",
      { deployed: { ...deployed, stores: { postgres: "/data/postgres" } } },
      "mem0:data.root: is mem0_postgres_test, but this stack was deployed with /data/postgres: " +
        "the postgres store would start empty",
    ],
  ])("%s is refused with the way out", (_, facts, mistake) => {
    expect(preflight(settings, { ...clear, ...facts })).toEqual([mistake]);
  });

  it("a stack that is there may be mended with less space than a first deployment needs", () => {
    const left = (freeBytes: number) => ({ ...clear, deployed, engineRoot: { path: "/d", freeBytes } });
    expect(preflight(settings, left(3 * GIB))).toEqual([]);
    expect(preflight(settings, left(GIB))).toEqual([expect.stringContaining("needed: 2.0 GiB")]);
  });

  it("more CPUs than Docker has are refused for each service", () => {
    const facts = { ...clear, engine: { ...clear.engine, cpus: 1 } };
    expect(preflight(settings, facts)).toHaveLength(4);
  });

  it("a missing external network is refused unless it may be created", () => {
    const external = (create: boolean) =>
      exampleSettings({ network: { external: { name: "intel-network", create } } });
    expect(preflight(external(false), clear)).toEqual([
      "mem0:network.external.name: there is no Docker network intel-network; " +
        "docker network create intel-network, or set mem0:network.external.create: true",
    ]);
    expect(preflight(external(true), clear)).toEqual([]);
    expect(preflight(external(false), { ...clear, networks: ["intel-network"] })).toEqual([]);
  });

  it("everything that is wrong is told at once", () => {
    const facts = {
      ...clear,
      busyPorts: [18888, 5433],
      engine: { version: "1", apiVersion: "1.2", cpus: 2 },
    };
    expect(preflight(settings, facts)).toHaveLength(3);
  });
});

describe("an external Prometheus", () => {
  const watched = exampleSettings({
    ports: { server: 18888 },
    observability: { prometheus: { mode: "external", container: "watcher" } },
  });

  it("that does not run is worth a warning, and no reason not to deploy", () => {
    const stopped = { ...clear, containers: [container("watcher", { running: false })] };
    expect(preflight(watched, stopped)).toEqual([]);
    expect(warnings(watched, stopped)).toEqual([
      "mem0:observability.prometheus.container: no container watcher runs, so nothing scrapes this stack; start it, then: ./mem0 up test",
    ]);
  });

  it("that runs is not mentioned", () => {
    expect(warnings(watched, { ...clear, containers: [container("watcher", {})] })).toEqual([]);
    expect(warnings(settings, clear)).toEqual([]);
  });
});

describe("a Grafana whose image cannot be had", () => {
  it("is worth a warning that says how to get one, and its port may belong to anybody", () => {
    const without = exampleSettings({}, "test", hostWithoutRegistry);
    expect(warnings(without, clear)).toEqual([
      "Grafana is left out: no image registry answered when this machine was set up; once one does: " +
        "./mem0 setup --way official, or set mem0:observability.grafana.mode: external, or off",
    ]);
    expect(preflight(without, { ...clear, busyPorts: [without.ports.grafana] })).toEqual([]);
  });

  it("is not mentioned when none is wanted", () => {
    const off = { observability: { grafana: { mode: "off" } } };
    expect(warnings(exampleSettings(off, "test", hostWithoutRegistry), clear)).toEqual([]);
  });
});

describe("ports that the stack does not open", () => {
  it("may belong to anybody: the server's metrics are published only for an exporter on the host", () => {
    const busyPorts = [settings.ports.serverMetrics];
    expect(preflight(settings, { ...clear, busyPorts })).toEqual([]);
    const onHost = exampleSettings({ observability: { exporter: "host" } });
    expect(preflight(onHost, { ...clear, busyPorts })).toEqual([
      expect.stringContaining("mem0:ports.serverMetrics"),
    ]);
  });
});
