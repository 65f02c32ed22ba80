import { spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { json, text } from "node:stream/consumers";
import { createZstdDecompress } from "node:zlib";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../config/manifest.ts";
import { type Backup, isWhole, readBackup, readCatalogue } from "../../ops/backup/catalogue.ts";
import { requireVerifiedBackup } from "../../ops/backup/deletion-guard.ts";
import type { GraphLine } from "../../ops/backup/graph-lines.ts";
import { copyStore } from "../../ops/backup/neo4j-copy.ts";
import { openPart } from "../../ops/backup/part-files.ts";
import { promote } from "../../ops/backup/sealing.ts";
import { holdStores } from "../../ops/backup/server-hold.ts";
import { backupSettings, connectPostgres, stateDirOf } from "../../ops/backup/stack-access.ts";
import { readStatus } from "../../ops/backup/status-file.ts";
import { type TakeOptions, takeBackup } from "../../ops/backup/take.ts";
import { withDocker } from "../../ops/docker.ts";
import { MemoryClient } from "../../ops/memory-client.ts";
import { CHECKOUT } from "../../toolchain/layout.ts";
import { backupKillRounds } from "../rounds/kill-rounds.ts";
import { EngineBehind } from "../support/engine-behind.ts";
import { waitFor } from "../support/eventually.ts";
import { docker, WatchedStack } from "../support/watched-stack.ts";

const stack = new WatchedStack("backuptest", 28650);
const hasProgram = (name: string) => spawnSync("which", [name]).status === 0;
const isRoot = process.getuid?.() === 0 && process.platform === "linux";

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

/** The deployed manifest, with some of the settings for backups other than deployed. */
function manifestWith(other: Partial<NonNullable<Manifest["backup"]>> = {}): Manifest {
  const { manifest } = stack;
  return { ...manifest, backup: { ...backupSettings(manifest), ...other } };
}

function take(manifest = stack.manifest, other: Partial<TakeOptions> = {}) {
  return takeBackup(manifest, {
    tier: "hourly",
    toolVersion: "0.1.0",
    now: () => new Date(),
    report: () => {},
    ...other,
  });
}

const catalogue = (manifest = stack.manifest) => readCatalogue(backupSettings(manifest).root);

const succeeds = (work: () => Promise<unknown>) =>
  work().then(
    () => true,
    () => false,
  );

/** Whether writers are turned away, or graph and history held. */
async function isHeld(): Promise<boolean> {
  const response = await new MemoryClient(stack.manifest).request({ method: "GET", path: "/ready" });
  const ready = (await response.json()) as { maintenance_seconds_left: number; hold_seconds_left: number };
  return ready.maintenance_seconds_left > 0 || ready.hold_seconds_left > 0;
}

function open(backup: Backup, name: string, identity?: string): Readable {
  const part = backup.manifest.parts.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part ${name}`);
  const stream = openPart(backup.directory, part, identity).open();
  return part.format.endsWith("zstd") ? stream.pipe(createZstdDecompress()) : stream;
}

const startedAt = (service: string) =>
  docker("inspect", "--format", "{{.State.StartedAt}}", stack.container(service));

describe("an hourly backup", () => {
  it("holds all of the stack at one moment, and stops nothing", async () => {
    const before = await startedAt("neo4j");
    const { backup } = await take();
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
    const lines = (await text(open(backup, "graph")))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as GraphLine);
    expect(lines[0]).toMatchObject({ type: "header", format: 1 });
    expect(lines.at(-1)).toEqual({
      type: "end",
      nodes: lines.filter(({ type }) => type === "node").length,
      relationships: manifest.counts.relationships,
    });
    expect(await text(open(backup, "history"))).toMatch(/^SQLite format 3/);
    expect(await json(open(backup, "manifest"))).toEqual(stack.manifest);
    expect(readStatus(stateDirOf(stack.manifest)).tiers.hourly).toMatchObject({
      lastRun: { result: "ok" },
      lastSuccess: { id: backup.id, memories: 2 },
    });
    expect(await isHeld()).toBe(false);
  });

  it("holds no secret", async () => {
    const { backup } = await take();
    const all = await Promise.all([
      ...backup.manifest.parts.map(({ file }) => readFileSync(path.join(backup.directory, file), "latin1")),
      text(open(backup, "graph")),
      text(open(backup, "history")),
      docker("exec", stack.container("postgres"), "cat", "/proc/1/environ"),
    ]);
    for (const [name, file] of Object.entries(stack.manifest.secretFiles)) {
      const secret = readFileSync(file, "utf8").trim();
      for (const content of all) expect(content.includes(secret), name).toBe(false);
    }
    expect(await text(open(backup, "globals"))).not.toMatch(/PASSWORD '/);
  });

  it("is not called good when the server did not hold the graph to the end", async () => {
    const held = await holdStores(new MemoryClient(stack.manifest), async () => "snapshot");
    expect(await isHeld()).toBe(true);
    await docker("restart", stack.container("server"));
    await waitFor("the server answers", () => succeeds(isHeld));
    await expect(held.release()).rejects.toThrow(
      "did not hold the graph and the history until they were copied",
    );
  });

  it("that is interrupted leaves nothing, and services go on", async () => {
    const interruption = new AbortController();
    const before = catalogue();
    const run = take(stack.manifest, { signal: interruption.signal, onBytes: () => interruption.abort() });
    await expect(run).rejects.toMatchObject({ exitCode: 130 });
    expect(catalogue()).toEqual(before);
    expect(await isHeld()).toBe(false);
  });

  it("needs no server: with it down nobody writes, and nothing has to be held", async () => {
    await docker("stop", stack.container("server"));
    try {
      const { backup } = await take();
      expect(backup.manifest).toMatchObject({
        result: "good",
        writesHeldSeconds: 0,
        counts: { memories: 2, users: 2, historyEntries: 2 },
      });
    } finally {
      await docker("start", stack.container("server"));
    }
    await waitFor("the server answers", () => succeeds(isHeld));
  });

  it("refuses a second one at once", async () => {
    const first = take();
    await expect(take()).rejects.toMatchObject({ exitCode: 6 });
    await first;
  });

  it("refuses a clock that was set back", async () => {
    const run = take(stack.manifest, { now: () => new Date("2020-01-01T00:00:00Z") });
    await expect(run).rejects.toThrow(/the clock says 20200101_000000, but there is a backup of 20/);
  });

  it("needs Postgres, and says so", async () => {
    await docker("stop", stack.container("postgres"));
    try {
      await expect(take()).rejects.toThrow("Postgres does not answer");
    } finally {
      await docker("start", stack.container("postgres"));
    }
    // Over the network, as backups ask: on its socket it answers while it is still starting.
    await waitFor("Postgres answers", () =>
      succeeds(async () => (await connectPostgres(stack.manifest)).end()),
    );
    expect(readStatus(stateDirOf(stack.manifest)).tiers.hourly?.lastRun).toMatchObject({
      result: "failed",
      reason: "Postgres does not answer",
    });
    expect(catalogue().unfinished).toEqual([]);
  });
});

describe("an encrypted backup", () => {
  it("shows nothing to anybody without the identity, and all to its owner", async () => {
    const identity = await generateIdentity();
    const root = path.join(stack.project.directory, "encrypted");
    const recipients = [await identityToRecipient(identity)];
    const { backup } = await take(manifestWith({ root, recipients }));
    expect(backup.manifest.encryption).toEqual({ recipients });
    for (const { file } of backup.manifest.parts) {
      expect(file).toMatch(/\.age$/);
      expect(readFileSync(path.join(backup.directory, file), "latin1")).toMatch(/^age-encryption\.org\/v1/);
    }
    expect(await json(open(backup, "manifest", identity))).toMatchObject({ stack: stack.stack });
    expect(await text(open(backup, "graph", identity))).toContain("bees");
    expect(await text(open(backup, "history", identity))).toMatch(/^SQLite format 3/);
  });
});

describe("the copy elsewhere", () => {
  it("goes to a second root, whole", async () => {
    const second = path.join(stack.project.directory, "second");
    const { backup, copyFailure } = await take(manifestWith({ copyTo: { path: second } }));
    expect(copyFailure).toBeUndefined();
    expect(readCatalogue(second).good.map(({ id }) => id)).toEqual([backup.id]);
    expect(readStatus(stateDirOf(stack.manifest)).copy).toMatchObject({ result: "ok" });
  });

  it.runIf(hasProgram("rclone"))("goes wherever rclone copies it, and is whole there", async () => {
    const remote = path.join(stack.project.directory, "remote");
    const command = ["rclone", "--config", "", "copy", "{directory}", `${remote}/{tier}/{id}`];
    const { backup, copyFailure } = await take(manifestWith({ copyTo: { command } }));
    expect(copyFailure).toBeUndefined();
    const cwd = path.join(remote, "hourly", backup.id);
    await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd });
    const there = readBackup({ id: backup.id, tier: "hourly", directory: cwd, suspect: false });
    expect(isWhole(there)).toBe(true);
  });

  it("that fails is told, and leaves the backup good", async () => {
    const command = ["sh", "-c", 'echo "no route to $1" >&2; exit 7', "sh", "{tier}/{id}"];
    const { backup, copyFailure } = await take(manifestWith({ copyTo: { command } }));
    expect(copyFailure?.message).toBe(
      `the command that copies backups failed (exit code 7): no route to hourly/${backup.id}`,
    );
    expect(catalogue().good.at(-1)?.id).toBe(backup.id);
    const { copy, tiers } = readStatus(stateDirOf(stack.manifest));
    expect([copy?.result, tiers.hourly?.lastRun.result]).toEqual(["failed", "ok"]);
  });
});

describe.runIf(isRoot)("a backup root", () => {
  const root = () => path.join(stack.project.directory, "disk");
  const mount = async (size: string) => {
    await execa("mkdir", ["-p", root()]);
    await execa("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", root()]);
  };

  it("that is full keeps no half of a backup", async () => {
    await mount("16k");
    try {
      await expect(take(manifestWith({ root: root() }))).rejects.toThrow("the disk of the backups is full");
      expect(readCatalogue(root())).toMatchObject({ good: [], damaged: [], unfinished: [] });
      expect(await isHeld()).toBe(false);
    } finally {
      await execa("umount", [root()]);
    }
  });

  it("that is read-only, or not mounted, is told apart", async () => {
    const second = path.join(stack.project.directory, "disk-2");
    await execa("mkdir", ["-p", second]);
    await execa("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", second]);
    try {
      await take(manifestWith({ root: second }));
      await execa("mount", ["-o", "remount,ro", second]);
      await expect(take(manifestWith({ root: second }))).rejects.toThrow(
        "the disk of the backups is read-only",
      );
    } finally {
      await execa("umount", [second]);
    }
    await expect(take(manifestWith({ root: second }))).rejects.toThrow("the backup root is not there");
    expect(readdirSync(second)).toEqual([]);
  });
});

describe.runIf(isRoot)("a backup in another tier", () => {
  it("is a copy where the system refuses a hard link, as it does across mounts", async () => {
    const root = path.join(stack.project.directory, "mounts");
    const { backup } = await take(manifestWith({ root }));
    const hourly = path.join(root, "hourly");
    await execa("mount", ["--bind", hourly, hourly]);
    try {
      const weekly = await promote(root, backup, "weekly");
      await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: weekly });
      const file = backup.manifest.parts[0]?.file ?? "";
      expect(statSync(path.join(weekly, file)).nlink).toBe(1);
      expect(readCatalogue(root)).toMatchObject({
        good: [{ tier: "hourly" }, { tier: "weekly" }],
        damaged: [],
        unfinished: [],
      });
    } finally {
      await execa("umount", [hourly]);
    }
  });
});

describe("a daily backup", () => {
  it("stops Neo4j for its own dumps, and serves as weekly and monthly", async () => {
    const { backup, promoted } = await take(stack.manifest, { tier: "daily", pin: "before the move" });
    expect(backup.manifest.neo4jStoppedSeconds).toBeGreaterThan(0);
    expect(backup.manifest.parts.filter(({ source }) => source === "neo4j").map(({ name }) => name)).toEqual([
      "neo4j",
      "system",
    ]);
    expect([backup.pin, promoted]).toEqual(["before the move", ["weekly", "monthly"]]);
    expect(await stack.cypher("RETURN 1")).toBeUndefined();
    expect((await docker("volume", "ls", "--quiet")).split("\n")).not.toContain(
      `mem0_backup_neo4j_${stack.stack}`,
    );
  });

  it("gives up when Neo4j does not stop, and starts it again", async () => {
    const freeze =
      'for p in /proc/[0-9]*; do [[ $(readlink "$p/exe") == */java ]] && kill -STOP $(basename "$p"); done; true';
    await docker("exec", stack.container("neo4j"), "bash", "-c", freeze);
    const copying = withDocker(stack.manifest.dockerHost, (engine) =>
      copyStore(engine, stack.manifest, () => {}, 3),
    );
    await expect(copying).rejects.toThrow("Neo4j did not stop within 3 s and was killed");
    await waitFor("Neo4j answers", () => succeeds(() => stack.cypher("RETURN 1")));
  });
});

describe("a backup under which the engine goes away", () => {
  it("says so, starts Neo4j when it is back, and the next one is clean", async () => {
    const engine = new EngineBehind(stack.manifest.dockerHost, path.join(stack.project.directory, "sock"));
    await engine.come();
    const before = catalogue();
    let back: Promise<void> | undefined;
    const report = (line: string) => {
      if (line === "copying its files") engine.go();
      if (line === "starting Neo4j") back = engine.come();
    };
    try {
      const run = take({ ...stack.manifest, dockerHost: engine.host }, { tier: "daily", report });
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
    expect(catalogue()).toEqual(before);
    expect((await take()).backup.manifest.result).toBe("good");
    expect(await isHeld()).toBe(false);
    expect(await docker("ps", "--all", "--quiet", "--filter", `name=mem0_backup_.*_${stack.stack}`)).toBe("");
  });
});

describe("a backup that is killed", () => {
  it(`at any moment is never listed as good, loses nothing, and the next run is clean (seed ${SEED})`, async () => {
    const { manifest } = stack;
    const { stateHome } = stack.project;
    const report = (line: string) => console.log(line);
    const { killed } = await backupKillRounds({ manifest, stateHome, rounds: ROUNDS, seed: SEED, report });
    expect(killed).toBeGreaterThan(0);
  });
});

describe("the data of a stack that is guarded", () => {
  const guard = (live: number | undefined, root = backupSettings(stack.manifest).root) =>
    withDocker(stack.manifest.dockerHost, (engine) =>
      requireVerifiedBackup({
        docker: engine,
        manifest: manifestWith({ root }),
        stateDir: stateDirOf(stack.manifest),
        live,
        report: () => {},
      }),
    );

  it("is deleted only when a verified backup holds all that is live", async () => {
    const nothing = path.join(stack.project.directory, "nothing");
    await expect(guard(2, nothing)).rejects.toThrow("without a verified backup: there is none");
    const root = path.join(stack.project.directory, "guarded");
    const { backup } = await take(manifestWith({ root }));
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
    const good = catalogue().good.map(({ id, tier }) => `${tier} ${id}`);
    // As it was: a fresh, empty database of another embedder behind an API that answers.
    await stack.sql("TRUNCATE memories");
    await stack.sql("UPDATE mem0_identity SET instance_id = 'another', embedder = 'other', dimensions = 768");
    const args = [
      path.join(CHECKOUT, "scripts", "mem0.ts"),
      "backup",
      stack.stack,
      "--tier",
      "hourly",
      "--json",
    ];
    const run = await execa(process.execPath, args, {
      env: { MEM0_HOME: stack.project.stateHome },
      reject: false,
    });
    expect(run.exitCode, run.stderr).toBe(4);
    const { manifest } = JSON.parse(run.stdout) as { manifest: { result: string; reasons: string[] } };
    expect(manifest.result).toBe("suspect");
    expect(manifest.reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^postgres holds instance another, other, 768 dimensions/),
        expect.stringMatching(/^no memories: \d+ before$/),
      ]),
    );
    expect(catalogue().good.map(({ id, tier }) => `${tier} ${id}`)).toEqual(good);
    expect(catalogue().suspects).toHaveLength(1);
    expect(readStatus(stateDirOf(stack.manifest)).tiers.hourly?.lastRun.result).toBe("suspect");
    rmSync(catalogue().suspects[0]?.directory ?? "", { recursive: true });
  });
});
