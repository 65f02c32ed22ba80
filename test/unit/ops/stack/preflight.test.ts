import { describe, expect, it } from "vitest";
import { complaint } from "../../../../ops/base/check.ts";
import { type HostFacts, preflight, warnings } from "../../../../ops/stack/preflight.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { exampleSettings, hostWithoutRegistry } from "../../../harness/support/example-settings.ts";

const settings = exampleSettings({ ports: { server: 18888 } });

/** A host on which nothing stands in the way. */
const clear: HostFacts = {
  platform: "linux",
  engine: { version: "20.10.24", apiVersion: "1.41", cpus: 2, memoryBytes: 4e9 },
  engineRoot: undefined,
  volumes: [],
  containers: [],
  networks: ["bridge"],
  openNetworks: ["bridge"],
  busyPorts: [],
  deployed: undefined,
  sameSocket: true,
  respelled: [],
  otherStacks: [],
  dataRoot: undefined,
  strangePlaces: [],
};

const deployed = exampleManifest({ homeId: settings.homeId });

/** The same host after a deployment there. */
const again: HostFacts = { ...clear, deployed, volumes: Object.values(deployed.stores) };

function container(name: string, facts: Partial<HostFacts["containers"][number]>) {
  return { name, running: true, home: undefined, stack: undefined, ports: [], ...facts };
}

/** What a person reads. */
const mistakes = (...looked: Parameters<typeof preflight>) => preflight(...looked).map(complaint);

const ours = { home: settings.homeId, stack: "test" };
const GIB = 1024 ** 3;

describe("before anything changes", () => {
  it("a clear host passes", () => {
    expect(mistakes(settings, clear)).toEqual([]);
  });

  it("tells once that the containers of a stack with an open network are made anew", () => {
    const told = (facts: HostFacts) => warnings(settings, facts).join();
    expect(told({ ...again, openNetworks: ["bridge", "mem0_internal_test"] })).toMatch(
      /once, this up makes the network of stack test anew/,
    );
    expect(told(again)).toBe("");
    expect(told({ ...clear, openNetworks: ["mem0_internal_test"] })).toBe("");
  });

  it("a stack that already runs does not stand in its own way", () => {
    const containers = [container("mem0_server_test", { ...ours, ports: [18888] })];
    expect(mistakes(settings, { ...again, containers, busyPorts: [18888] })).toEqual([]);
  });

  it.each<[string, Partial<HostFacts>, string]>([
    [
      "an engine that is too old",
      { engine: { ...clear.engine, version: "19.03", apiVersion: "1.40" } },
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
      { ...again, deployed: { ...deployed, model: { ...deployed.model, embedder: "nomic-embed-text" } } },
      "mem0:model.embedder: is mem0-embedded, but this stack was deployed with nomic-embed-text: " +
        "stored embeddings of another model match nothing",
    ],
    [
      "data in a directory that the stack file names no more",
      {
        deployed: {
          ...deployed,
          stores: { postgres: "/me/mem0-data/postgres", neo4j: "/me/mem0-data/neo4j" },
        },
      },
      "mem0:data.root: is not set, but the data of this stack lies in directories under /me/mem0-data; what is in " +
        "postgres, neo4j would not be found and new, empty stores would take its place; " +
        'put back into Pulumi.test.yaml: "mem0:data: { root: /me/mem0-data }"',
    ],
    [
      "too little memory for a first deployment",
      { engine: { ...clear.engine, memoryBytes: 2 * GIB }, platform: "darwin" },
      "Docker has 2.0 GiB of memory; needed: 3.5 GiB; give its virtual machine more (Docker Desktop, OrbStack: in the " +
        "settings; colima start --memory 6)",
    ],
    [
      "an engine without the volumes of the one that the stack was deployed on",
      { deployed: { ...deployed, dockerHost: "unix:///orbstack.sock" }, volumes: ["mem0_data_test"] },
      "the Docker engine at unix:///var/run/docker.sock has no volume mem0_postgres_test, mem0_neo4j_test: this stack was " +
        "deployed on the one at unix:///orbstack.sock; start that engine, then: ./mem0 setup; should it be gone for good, " +
        "with its volumes: ./mem0 down test --delete-data, ./mem0 up test, and restore a backup",
    ],
  ])("%s is refused with the way out", (_, facts, mistake) => {
    expect(mistakes(settings, { ...clear, ...facts })).toEqual([mistake]);
  });

  it("a stack that is there may be mended with less space than a first deployment needs", () => {
    const left = (freeBytes: number) => ({ ...again, engineRoot: { path: "/d", freeBytes } });
    expect(mistakes(settings, left(3 * GIB))).toEqual([]);
    expect(mistakes(settings, left(GIB))).toEqual([expect.stringContaining("needed: 2.0 GiB")]);
  });

  it("a stack that is there keeps its memory when its virtual machine gets less, as long as each service fits", () => {
    const with3 = { ...again, engine: { ...clear.engine, memoryBytes: 3 * GIB } };
    expect(mistakes(settings, with3)).toEqual([]);
    const much = exampleSettings({ resources: { postgres: { memoryMb: 4096 } } });
    expect(mistakes(much, with3)).toEqual([
      "mem0:resources.postgres.memoryMb: is 4096; Docker has 3.0 GiB in all; this machine is too small",
    ]);
  });

  it("more CPUs than Docker has are refused for each service", () => {
    const facts = { ...clear, engine: { ...clear.engine, cpus: 1 } };
    expect(mistakes(settings, facts)).toHaveLength(4);
  });

  it("a missing external network is refused unless it may be created", () => {
    const external = (create: boolean) =>
      exampleSettings({ network: { external: { name: "intel-network", create } } });
    expect(mistakes(external(false), clear)).toEqual([
      "mem0:network.external.name: there is no Docker network intel-network; " +
        "docker network create intel-network, or set mem0:network.external.create: true",
    ]);
    expect(mistakes(external(true), clear)).toEqual([]);
    expect(mistakes(external(false), { ...clear, networks: ["intel-network"] })).toEqual([]);
  });

  it("what is wrong has a name, what was found, and what mends it", () => {
    expect(preflight(settings, { ...clear, busyPorts: [18888] })).toEqual([
      {
        name: "port server",
        ok: false,
        found: "mem0:ports.server: something on this host listens on 18888 (lsof -i :18888)",
        mend: "stop it or take another port",
      },
    ]);
  });

  it("everything that is wrong is told at once", () => {
    const facts = {
      ...clear,
      busyPorts: [18888, 5433],
      engine: { ...clear.engine, version: "1", apiVersion: "1.2" },
    };
    expect(mistakes(settings, facts)).toHaveLength(3);
  });
});

describe("data in a directory of the host", () => {
  const rooted = exampleSettings({ ports: { server: 18888 }, data: { root: "~/mem0-data" } });
  const stores = { postgres: "/home/me/mem0-data/postgres", neo4j: "/home/me/mem0-data/neo4j" };
  const there = { ...clear, deployed: { ...deployed, stores } };

  it("is found again, with a slash at the end of its name or in other letters too", () => {
    expect(mistakes(rooted, there)).toEqual([]);
    const slash = exampleSettings({ ports: { server: 18888 }, data: { root: "/home/me//mem0-data/" } });
    expect(mistakes(slash, there)).toEqual([]);
    const letters = exampleSettings({ ports: { server: 18888 }, data: { root: "/home/me/Mem0-Data" } });
    expect(mistakes(letters, { ...there, respelled: ["postgres", "neo4j"] })).toEqual([]);
    expect(mistakes(letters, there)).toEqual([expect.stringContaining("is /home/me/Mem0-Data, but")]);
  });

  it("is not chosen for a stack whose data lies in volumes", () => {
    expect(mistakes(rooted, again)).toEqual([
      expect.stringMatching(
        /lies in named volumes \(mem0_postgres_test, \.\.\.\).* take mem0:data\.root out of/,
      ),
    ]);
  });

  it("is not given to another engine while the first one may still write to it", () => {
    const moved = { ...there, sameSocket: false };
    expect(mistakes(rooted, moved)).toEqual([
      expect.stringContaining("two databases on the same files would destroy them; start that engine"),
    ]);
    const containers = [container("mem0_postgres_test", ours)];
    expect(mistakes(rooted, { ...moved, containers })).toEqual([]);
  });

  it("is worth a warning on a Mac", () => {
    expect(warnings(rooted, clear)).toEqual([]);
    const onMac: HostFacts = { ...clear, platform: "darwin", engine: { ...clear.engine, memoryBytes: 8e9 } };
    expect(warnings(rooted, onMac)).toEqual([
      expect.stringContaining("named volumes are safe: take the setting out of Pulumi.test.yaml"),
    ]);
    expect(warnings(rooted, { ...onMac, deployed: there.deployed })).toEqual([
      expect.stringContaining("keep backups on another disk"),
    ]);
    expect(warnings(settings, onMac)).toEqual([]);
  });
});

describe("a virtual machine with less memory than all services may take together", () => {
  it("is worth a warning on a Mac, where it has a setting", () => {
    const small: HostFacts = {
      ...again,
      platform: "darwin",
      engine: { ...clear.engine, memoryBytes: 4 * GIB },
    };
    expect(warnings(settings, small)).toEqual([
      expect.stringMatching(
        /^Docker has 4\.0 GiB of memory, and the services of this stack may take 4\.8 GiB together/,
      ),
    ]);
    expect(warnings(settings, { ...small, platform: "linux" })).toEqual([]);
  });
});

describe("an external Prometheus", () => {
  const watched = exampleSettings({
    ports: { server: 18888 },
    observability: { prometheus: { mode: "external", container: "watcher" } },
  });

  it("that does not run is worth a warning, and no reason not to deploy", () => {
    const stopped = { ...clear, containers: [container("watcher", { running: false })] };
    expect(mistakes(watched, stopped)).toEqual([]);
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
    expect(mistakes(without, { ...clear, busyPorts: [without.ports.grafana] })).toEqual([]);
  });

  it("is not mentioned when none is wanted", () => {
    const off = { observability: { grafana: { mode: "off" } } };
    expect(warnings(exampleSettings(off, "test", hostWithoutRegistry), clear)).toEqual([]);
  });
});

describe("ports that the stack does not open", () => {
  it("may belong to anybody: the server's metrics are published only for an exporter on the host", () => {
    const busyPorts = [settings.ports.serverMetrics];
    expect(mistakes(settings, { ...clear, busyPorts })).toEqual([]);
    const onHost = exampleSettings({ observability: { exporter: "host" } });
    expect(mistakes(onHost, { ...clear, busyPorts })).toEqual([
      expect.stringContaining("mem0:ports.serverMetrics"),
    ]);
  });
});
