import { appendFileSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { json, text } from "node:stream/consumers";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import type { Plan } from "neo4j-driver-lite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireVerifiedBackup } from "../../../../ops/backup/prove/deletion-guard.ts";
import { GRAPH_READS } from "../../../../ops/backup/stores/neo4j/dump.ts";
import type { GraphLine } from "../../../../ops/backup/stores/neo4j/graph-lines.ts";
import { cloneStore } from "../../../../ops/backup/stores/neo4j/store-clone.ts";
import { holdStores } from "../../../../ops/server/hold.ts";
import { stackStatus } from "../../../../ops/stack/status.ts";
import { backupRounds } from "../../../harness/rounds/backup-rounds.ts";
import { BackupStack, openNamed } from "../../../harness/support/backup-stack.ts";
import { EngineBehind } from "../../../harness/support/engine-behind.ts";
import { waitFor } from "../../../harness/support/eventually.ts";
import { mem0 } from "../../../harness/support/mem0-run.ts";
import { docker } from "../../../harness/support/watched-stack.ts";
import { describePlaces } from "./places.ts";

const stack = new BackupStack("backuptest", 28650);

/** A seed that is always the same: the long rounds, with other seeds, are a command of their own. */
const SEED = 3;
const ROUNDS = 3;

beforeAll(async () => {
  await stack.up({
    observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
  });
  await stack.remember("I keep bees on the roof in Vienna", "anna");
  await stack.remember("I play the cello", "berta");
});

afterAll(() => stack.remove());

const succeeds = (work: () => Promise<unknown>) =>
  work().then(
    () => true,
    () => false,
  );

const startedAt = (service: string) =>
  docker("inspect", "--format", "{{.State.StartedAt}}", stack.container(service));

describe("an hourly backup", () => {
  it("holds all of the stack at one moment, and stops nothing", async () => {
    const before = await startedAt("neo4j");
    const { backup } = await stack.take();
    const { manifest } = backup;
    expect(manifest).toMatchObject({
      result: "good",
      neo4jStoppedSeconds: 0,
      encryption: null,
      identity: { instanceId: stack.manifest.instanceId, embedder: "mem0-embedded", dimensions: 384 },
      counts: { memories: 2, users: 2, historyEntries: 2 },
      versions: { postgres: expect.stringMatching(/^17\./), neo4j: expect.stringMatching(/^5\.26\./) },
    });
    expect(manifest.writesHeldSeconds).toBeLessThan(5);
    expect(manifest.parts.map(({ source, name, format }) => `${source} ${name} ${format}`)).toEqual([
      "history history sqlite-zstd",
      "neo4j graph graph-lines-zstd",
      "postgres globals sql",
      "postgres mem0 pg-custom",
      "postgres memories pg-copy-zstd",
      "stack manifest json",
    ]);
    expect(await startedAt("neo4j")).toBe(before);
    await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: backup.directory });
    const lines = (await text(openNamed(backup, "graph")))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as GraphLine);
    expect(lines[0]).toMatchObject({ type: "header", format: 1 });
    expect(lines.at(-1)).toEqual({
      type: "end",
      nodes: lines.filter(({ type }) => type === "node").length,
      relationships: manifest.counts.relationships,
    });
    expect(await text(openNamed(backup, "history"))).toMatch(/^SQLite format 3/);
    expect(await json(openNamed(backup, "manifest"))).toEqual(stack.manifest);
    expect(stack.status.tiers.hourly).toMatchObject({
      lastRun: { result: "ok" },
      lastSuccess: { id: backup.id, memories: 2 },
    });
    expect(await stack.isHeld()).toBe(false);
  });

  it.each(Object.entries(GRAPH_READS))(
    "reads %s without Neo4j's keeping those it has handed on",
    async (_, read) => {
      const { deployed } = stack;
      const { summary } = await deployed.neo4j
        .executeQuery(`EXPLAIN ${read}`)
        .finally(() => deployed.close());
      const operators = (plan: Plan): string[] => [plan.operatorType, ...plan.children.flatMap(operators)];
      const names = summary.plan === false ? [] : operators(summary.plan);
      expect(names.map((name) => name.replace("@neo4j", ""))).toEqual([
        "ProduceResults",
        "Projection",
        expect.stringMatching(/^(AllNodesScan|DirectedAllRelationshipsScan)$/),
      ]);
    },
  );

  it("holds no secret", async () => {
    const { backup } = await stack.take();
    const all = await Promise.all([
      ...backup.manifest.parts.map(({ file }) => readFileSync(path.join(backup.directory, file), "latin1")),
      text(openNamed(backup, "graph")),
      text(openNamed(backup, "history")),
      docker("exec", stack.container("postgres"), "cat", "/proc/1/environ"),
    ]);
    for (const [name, file] of Object.entries(stack.manifest.secretFiles)) {
      const secret = readFileSync(file, "utf8").trim();
      for (const content of all) expect(content.includes(secret), name).toBe(false);
    }
    expect(await text(openNamed(backup, "globals"))).not.toMatch(/PASSWORD '/);
  });

  it("is not called good when the server did not hold the graph to the end", async () => {
    const held = await holdStores(stack.deployed.server, async () => "snapshot");
    expect(await stack.isHeld()).toBe(true);
    await docker("restart", stack.container("server"));
    await waitFor("the server answers", () => succeeds(() => stack.isHeld()));
    await expect(held.release()).rejects.toThrow(
      "did not hold the graph and the history until they were copied",
    );
  });

  it("that is interrupted leaves nothing, and services go on", async () => {
    const interruption = new AbortController();
    const before = stack.catalogue;
    const run = stack.take({}, { signal: interruption.signal, onBytes: () => interruption.abort() });
    await expect(run).rejects.toMatchObject({ exitCode: 130 });
    expect(stack.catalogue).toEqual(before);
    expect(await stack.isHeld()).toBe(false);
  });

  it("needs no server: with it down nobody writes, and nothing has to be held", async () => {
    await docker("stop", stack.container("server"));
    try {
      const { backup } = await stack.take();
      expect(backup.manifest).toMatchObject({
        result: "good",
        writesHeldSeconds: 0,
        counts: { memories: 2, users: 2, historyEntries: 2 },
      });
    } finally {
      await docker("start", stack.container("server"));
    }
    await waitFor("the server answers", () => succeeds(() => stack.isHeld()));
  });

  it("refuses a second one at once", async () => {
    const first = stack.take();
    await expect(stack.take()).rejects.toMatchObject({ exitCode: 6 });
    await first;
  });

  it("refuses a clock that was set back", async () => {
    const run = stack.take({}, { now: () => new Date("2020-01-01T00:00:00Z") });
    await expect(run).rejects.toThrow(/the clock says 20200101_000000, but there is a backup of 20/);
  });

  it("needs Postgres, and says so", async () => {
    await docker("stop", stack.container("postgres"));
    try {
      await expect(stack.take()).rejects.toThrow("Postgres does not answer");
    } finally {
      await docker("start", stack.container("postgres"));
    }
    // Over the network, as backups ask: on its socket it answers while it is still starting.
    await waitFor("Postgres answers", () => succeeds(async () => (await stack.deployed.postgres()).end()));
    expect(stack.status.tiers.hourly?.lastRun).toMatchObject({
      result: "failed",
      reason: "Postgres does not answer",
    });
    expect(stack.catalogue.unfinished).toEqual([]);
  });
});

describe("an encrypted backup", () => {
  it("shows nothing to anybody without the identity, and all to its owner", async () => {
    const identity = await generateIdentity();
    const root = stack.pathOf("encrypted");
    const recipients = [await identityToRecipient(identity)];
    const { backup } = await stack.take({ root, recipients });
    expect(backup.manifest.encryption).toEqual({ recipients });
    for (const { file } of backup.manifest.parts) {
      expect(file).toMatch(/\.age$/);
      expect(readFileSync(path.join(backup.directory, file), "latin1")).toMatch(/^age-encryption\.org\/v1/);
    }
    expect(await json(openNamed(backup, "manifest", identity))).toMatchObject({ stack: stack.stack });
    expect(await text(openNamed(backup, "graph", identity))).toContain("bees");
    expect(await text(openNamed(backup, "history", identity))).toMatch(/^SQLite format 3/);
  });
});

describePlaces(stack);

describe("a daily backup", () => {
  it("stops Neo4j for its own dumps, and serves as weekly and monthly", async () => {
    const { backup, promoted } = await stack.take({}, { tier: "daily", pin: "before the move" });
    expect(backup.manifest.neo4jStoppedSeconds).toBeGreaterThan(0);
    expect(backup.manifest.parts.filter(({ source }) => source === "neo4j").map(({ name }) => name)).toEqual([
      "neo4j",
      "system",
    ]);
    expect([backup.pin, promoted]).toEqual(["before the move", ["weekly", "monthly"]]);
    expect(await stack.cypher("RETURN 1")).toEqual([[1]]);
    expect(await docker("volume", "ls", "--quiet", "--filter", `name=mem0_backup_.*_${stack.stack}`)).toBe(
      "",
    );
  });

  it("gives up when Neo4j does not stop, and starts it again", async () => {
    const freeze =
      'for p in /proc/[0-9]*; do [[ $(readlink "$p/exe") == */java ]] && kill -STOP $(basename "$p"); done; true';
    await docker("exec", stack.container("neo4j"), "bash", "-c", freeze);
    const { deployed } = stack;
    const copying = cloneStore(deployed, () => {}, 3).finally(() => deployed.close());
    await expect(copying).rejects.toThrow("Neo4j did not stop within 3 s and was killed");
    await waitFor("Neo4j answers", () => succeeds(() => stack.cypher("RETURN 1")));
  });
});

describe("a backup under which the engine goes away", () => {
  it("says so, starts Neo4j when it is back, and the next one is clean", async () => {
    const engine = new EngineBehind(stack.manifest.dockerHost, stack.pathOf("sock"));
    await engine.come();
    const before = stack.catalogue;
    let back: Promise<void> | undefined;
    const report = (line: string) => {
      if (line === "copying its files") engine.go();
      if (line === "starting Neo4j") back = engine.come();
    };
    try {
      const run = stack.take({}, { tier: "daily", report }, { dockerHost: engine.host });
      await expect(run).rejects.toMatchObject({
        message: "the Docker engine was stopped or restarted meanwhile: there is no backup of this run",
        where: engine.host,
        mend: expect.stringContaining(`./mem0 backup ${stack.stack} --tier daily`),
      });
      await back;
    } finally {
      engine.go();
    }
    expect(await docker("inspect", "--format", "{{.State.Running}}", stack.container("neo4j"))).toBe("true");
    expect(stack.catalogue).toEqual(before);
    expect((await stack.take()).backup.manifest.result).toBe("good");
    expect(await stack.isHeld()).toBe(false);
    expect(await docker("ps", "--all", "--quiet", "--filter", `name=mem0_backup_.*_${stack.stack}`)).toBe("");
  });
});

describe("a backup that is killed", () => {
  it(`at any moment is never listed as good, loses nothing, and the next run is clean (seed ${SEED})`, async () => {
    const hits = await backupRounds(stack.kills(SEED, ROUNDS));
    expect(hits.struck).toBeGreaterThan(0);
  });
});

describe("the data of a stack that is guarded", () => {
  const guard = (live: number | undefined, root = stack.deployed.backup.root) =>
    requireVerifiedBackup({ stack: stack.deployedWith({ root }), live, report: () => {} });

  it("is counted by a role that looks at it, and not by the superuser, whom no policy of a table keeps out", async () => {
    const { memories } = await stackStatus(stack.deployed);
    expect(memories).toBeGreaterThan(0);
    await stack.sql("ALTER TABLE memories ENABLE ROW LEVEL SECURITY");
    try {
      expect(await stackStatus(stack.deployed)).toMatchObject({ memories: 0, users: 0 });
    } finally {
      await stack.sql("ALTER TABLE memories DISABLE ROW LEVEL SECURITY");
    }
  });

  it("is deleted only when a verified backup holds all that is live", async () => {
    const nothing = stack.pathOf("nothing");
    await expect(guard(2, nothing)).rejects.toThrow("without a verified backup: there is none");
    const root = stack.pathOf("guarded");
    const { backup } = await stack.take({ root });
    const { memories } = backup.manifest.counts;
    await expect(guard(memories + 1, root)).rejects.toThrow(
      `${backup.id} holds ${memories} memories, live are ${memories + 1}`,
    );
    await guard(memories, root);
    const [part] = backup.manifest.parts;
    appendFileSync(path.join(backup.directory, part?.file ?? ""), "x");
    await expect(guard(memories, root)).rejects.toThrow(/without a verified backup/);
  });
});

describe("the incident of 17 days", () => {
  it("is caught by the first backup: it is kept apart, alerts by its exit code, and the last good one stays", async () => {
    const good = stack.catalogue.good.map(({ id, tier }) => `${tier} ${id}`);
    // As it was: a fresh, empty database of another embedder behind an API that answers.
    await stack.sql("TRUNCATE memories");
    await stack.sql("UPDATE mem0_identity SET instance_id = 'another', embedder = 'other', dimensions = 768");
    const run = await mem0(stack.project.stateHome, ["backup", stack.stack, "--tier", "hourly", "--json"]);
    expect(run.exitCode, run.all).toBe(4);
    const { manifest } = JSON.parse(run.stdout) as { manifest: { result: string; reasons: string[] } };
    expect(manifest.result).toBe("suspect");
    expect(manifest.reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^postgres holds instance another, other, 768 dimensions/),
        expect.stringMatching(/^no memories: \d+ before$/),
      ]),
    );
    expect(stack.catalogue.good.map(({ id, tier }) => `${tier} ${id}`)).toEqual(good);
    expect(stack.catalogue.suspects).toHaveLength(1);
    expect(stack.status.tiers.hourly?.lastRun.result).toBe("suspect");
    rmSync(stack.catalogue.suspects[0]?.directory ?? "", { recursive: true });
  });
});
