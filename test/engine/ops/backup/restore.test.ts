import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupId } from "../../../../ops/backup/format/layout.ts";
import { readCatalogue } from "../../../../ops/backup/keep/catalogue.ts";
import { drill } from "../../../../ops/backup/prove/drill.ts";
import { verifyAll } from "../../../../ops/backup/prove/verify.ts";
import { readJournal } from "../../../../ops/backup/restore/journal.ts";
import { findRestorable, openOldBackup, type Restorable } from "../../../../ops/backup/restore/restorable.ts";
import {
  continueRestore,
  finishRestore,
  type RestoreOptions,
  restore,
} from "../../../../ops/backup/restore/restore.ts";
import { restoreUser } from "../../../../ops/backup/restore/user.ts";
import { readStatus } from "../../../../ops/backup/status-file.ts";
import { KILL } from "../../../harness/rounds/blow.ts";
import { restoreRounds } from "../../../harness/rounds/restore-rounds.ts";
import { BackupStack } from "../../../harness/support/backup-stack.ts";
import { waitFor } from "../../../harness/support/eventually.ts";
import { mem0 } from "../../../harness/support/mem0-run.ts";
import { needing } from "../../../harness/support/needing.ts";
import { restoreTools } from "../../../harness/support/restore-tools.ts";
import { stackContent } from "../../../harness/support/stack-content.ts";
import { SteadyWriter } from "../../../harness/support/steady-writer.ts";
import { docker } from "../../../harness/support/watched-stack.ts";

const stack = new BackupStack("restoretest", 28670);

/** A kill in the swap, after which the restore is continued; the long rounds, with other seeds, are a command of their own. */
const SEED = 20;
const ROUNDS = 1;

/** A round restarts Neo4j several times, which takes minutes on a machine that does other things too. */
const ROUNDS_MS = 1_500_000;

const MEMORIES = {
  anna: ["I keep bees on the roof", "My sister Clara works in Berlin", "I am allergic to peanuts"],
  bert: ["I play the cello on Thursdays", "My car is a blue Volvo"],
};

beforeAll(async () => {
  await stack.up({
    observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
  });
  for (const [user, texts] of Object.entries(MEMORIES)) {
    for (const text of texts) await stack.remember(text, user);
  }
});

afterAll(() => stack.remove());

const stateDir = () => stack.deployed.directory;
const content = () => stackContent(stack.deployed);
const tools = (report?: (line: string) => void) => restoreTools(stack, report);

async function take(tier: "hourly" | "daily"): Promise<Restorable> {
  const { backup } = await stack.take({}, { tier });
  expect(backup.manifest).toMatchObject({ result: "good", counts: { users: 2 } });
  return findRestorable(stack.deployed.backup.root, backup.id);
}

const bringBack = (
  backup: Restorable,
  options: Partial<RestoreOptions> = {},
  report?: (line: string) => void,
) => restore(tools(report), backup, { adopt: false, safetyBackup: false, ...options });

async function answers(): Promise<unknown> {
  const client = stack.deployed.server;
  const found = [
    ...(await client.recall("which animals do I have?", "anna", 5)),
    ...(await client.recall("which instrument do I play?", "bert", 5)),
  ];
  return found.map(({ id, memory, similarity }) => ({ id, memory, similarity }));
}

/** Everything that anybody stored is gone; the stores still know whose they are. */
async function wipe(): Promise<void> {
  await wipeMemories();
  const script =
    "import sqlite3; db = sqlite3.connect('/data/history.db'); db.execute('DELETE FROM history'); db.commit()";
  await docker("exec", stack.container("server"), "python3", "-c", script);
}

/** All but the history, which backups of the old form do not hold. */
async function wipeMemories(): Promise<void> {
  await stack.sql("DELETE FROM memories");
  await stack.cypher("MATCH (n:__Entity__) DETACH DELETE n");
}

describe("a stack whose data is lost", () => {
  it("is as it was after restoring a daily backup, and what was lost was backed up before", async () => {
    const [before, found] = [await content(), await answers()];
    const backup = await take("daily");
    await wipe();
    expect(await content()).not.toEqual(before);
    const report = await bringBack(backup, { safetyBackup: true });
    expect(report).toMatchObject({ memories: 5, stores: ["postgres", "neo4j", "history"], lacks: [] });
    expect(await content()).toEqual(before);
    expect(await answers()).toEqual(found);
    // What was live looks wrong beside the last good one, and is kept apart for that.
    const safety = findRestorable(stack.deployed.backup.root, report.safetyBackup ?? "");
    expect(safety.manifest).toMatchObject({ result: "suspect", counts: { memories: 0 } });

    await finishRestore(tools());
    expect(readJournal(stateDir())).toBeUndefined();
    rmSync(path.join(stack.deployed.backup.root, "suspect"), { recursive: true });
  });

  it("gets one store back alone; whatever was written until then is in the backup made before", async () => {
    const backup = await take("hourly");
    const { neo4j: graph } = await content();
    const startedAt = () => docker("inspect", "--format", "{{.State.StartedAt}}", stack.container("neo4j"));
    const before = await startedAt();
    await stack.sql("DELETE FROM memories WHERE payload->>'user_id' = 'anna'");
    const writer = new SteadyWriter(stack.deployed, "writer");
    await writer.write();
    const stop = new AbortController();
    const writing = writer.writeUntil(stop.signal);
    const whenServerStops = (line: string) => {
      if (line === "stopping the memory server") stop.abort();
    };
    const report = await bringBack(backup, { only: "postgres", safetyBackup: true }, whenServerStops);
    await writing;
    expect(report).toMatchObject({ memories: 5, stores: ["postgres"] });
    expect(report.lacks.join()).toMatch(/only postgres of stack restoretest was restored/);
    expect(await startedAt(), "Neo4j goes on").toBe(before);
    const former = `mem0_restoretest_before_${readJournal(stateDir())?.id}`;
    expect(await writer.lost(former)).toBe(0);
    const safety = findRestorable(stack.deployed.backup.root, report.safetyBackup ?? "");
    expect(safety.manifest?.counts.memories).toBe(2 + writer.acknowledged.length);
    expect(existsSync(backup.directory), "it is no longer the newest of its hour, and stays").toBe(true);
    await finishRestore(tools());

    await stack.cypher("MATCH (n:__Entity__) DETACH DELETE n");
    expect(await bringBack(backup, { only: "neo4j" })).toMatchObject({ stores: ["neo4j"] });
    expect((await content()).neo4j).toBe(graph);
    await finishRestore(tools());
  });

  it("that was killed before the swap is backed up anew by --continue, with what was written since", async () => {
    const [backup, before] = [await take("hourly"), await content()];
    const dies = (line: string) => {
      if (line === "stopping the memory server") throw new Error("killed");
    };
    const only = { only: "history", safetyBackup: true } as const;
    await expect(bringBack(backup, only, dies)).rejects.toThrow("killed");
    const cutOff = readJournal(stateDir());
    expect(cutOff?.phase).toBe("prepared");
    await stack.remember("I have a parrot", "anna");
    const report = await continueRestore(tools(), () => backup);
    expect(report?.safetyBackup).not.toBe(cutOff?.safetyBackup);
    const safety = findRestorable(stack.deployed.backup.root, report?.safetyBackup ?? "");
    expect(safety.manifest?.counts.memories).toBe(6);
    expect((await content()).history).toBe(before.history);
    await finishRestore(tools());
    await stack.sql("DELETE FROM memories WHERE payload->>'data' LIKE '%parrot%'");
  });

  it("goes on although Postgres was started anew while its database was closed for the swap", async () => {
    const [backup, before] = [await take("hourly"), await content()];
    await stack.sql("DELETE FROM memories");
    const dies = (line: string) => {
      if (line === "putting the restored postgres in its place") throw new Error("killed");
    };
    await expect(bringBack(backup, { only: "postgres" }, dies)).rejects.toThrow("killed");
    const postgres = stack.container("postgres");
    const psql = ["psql", "-XAtqU", "postgres", "-c"];
    await docker("exec", postgres, ...psql, `ALTER DATABASE mem0_${stack.stack} ALLOW_CONNECTIONS false`);
    await docker("restart", postgres);
    await continueRestore(tools(), () => backup);
    expect(await content()).toEqual(before);
    await finishRestore(tools());
  });

  needing("root").it("keeps what is live when the host's disk is full", async () => {
    const [backup, before] = [await take("hourly"), await content()];
    const work = path.join(stateDir(), "backup");
    // Room for the lock and the journal, and not for the history.
    await execa("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", work]);
    try {
      await expect(bringBack(backup, { only: "history" })).rejects.toThrow(/ENOSPC|no space/);
    } finally {
      await execa("umount", [work]);
    }
    expect(readJournal(stateDir())).toBeUndefined();
    expect(await content()).toEqual(before);
    await stack.remember("I like rain", "bert");
    await stack.sql("DELETE FROM memories WHERE payload->>'data' LIKE '%rain%'");
  });

  it("gets one user's memories back without anybody else's being touched", async () => {
    const backup = await take("hourly");
    await stack.sql("DELETE FROM memories WHERE payload->>'user_id' = 'anna'");
    await stack.cypher("MATCH (n:__Entity__ {user_id: 'anna'}) DETACH DELETE n");
    await stack.remember("I have a dog called Rex", "bert");
    const options = { user: "anna", report: () => {}, progress: () => {} };
    const report = await restoreUser(stack.deployed, backup, options);
    expect(report).toMatchObject({ memories: 3, added: 3, skipped: 0, failed: 0 });
    expect(report.relations).toBeGreaterThan(0);
    const by = "SELECT payload->>'user_id', count(*) FROM memories GROUP BY 1 ORDER BY 1";
    expect(await stack.sql(by)).toBe("anna|3\nbert|3");
    expect(await stack.sql("SELECT datname FROM pg_database WHERE datname LIKE '%_user_%'")).toBe("");
  });

  it("is brought back from a backup of the old guide's form, which tells what it lacks", async () => {
    const directory = path.join(stack.project.directory, backupId(new Date()));
    mkdirSync(path.join(directory, "postgres"), { recursive: true });
    mkdirSync(path.join(directory, "neo4j"));
    // Upstream's server keeps no tables of ours, and the guide's dump names the roles of its own server.
    const dump = `docker exec ${stack.container("postgres")} pg_dump -U postgres -d mem0_${stack.stack} -T 'mem0_*' |
      sed 's/OWNER TO mem0_user_${stack.stack}/OWNER TO kermit/' | gzip > ${directory}/postgres/mem0.sql.gz`;
    const graph = `docker exec ${stack.container("neo4j")} tar -cz -C /data neo4j > ${directory}/neo4j/mem0_neo4j.tar.gz`;
    for (const command of [dump, graph]) await execa("bash", ["-o", "pipefail", "-c", command]);
    const rows =
      "SELECT md5(string_agg(id::text || vector::text || payload::text, '' ORDER BY id)) FROM memories";
    const before = await stack.sql(rows);
    const [{ neo4j }, found] = [await content(), await answers()];
    await wipeMemories();
    const old = openOldBackup(directory);
    if (old === undefined) throw new Error("not recognised");
    await expect(bringBack(old)).rejects.toThrow("tells no identity");
    expect(await stack.sql("SELECT count(*) FROM memories"), "nothing live was touched").toBe("0");
    const report = await bringBack(old, { adopt: true });
    expect(report.lacks.join()).toMatch(/no history file.*no identity.*no counts.*no checksums/);
    expect(await stack.sql(rows)).toBe(before);
    expect((await content()).neo4j).toBe(neo4j);
    expect(await answers()).toEqual(found);
    await finishRestore(tools());
  });
});

describe("a backup of another instance, encrypted and in plain SQL", () => {
  it("comes back whole with the identity file and --adopt, and with neither missing", async () => {
    const own = stack.manifest.instanceId;
    await bindTo("another");
    const before = await content();
    const memories = Number(await stack.sql("SELECT count(*) FROM memories"));
    expect(memories).toBeGreaterThan(0);
    const identity = await generateIdentity();
    const root = path.join(stack.project.directory, "another");
    const recipients = [await identityToRecipient(identity)];
    const settings = { root, recipients, format: "plain" } as const;
    const { backup } = await stack.take(settings, {}, { instanceId: "another" });
    expect(backup.manifest.parts.map(({ file }) => file).join()).toMatch(/mem0_\d{8}_\d{6}\.sql\.gz\.age/);
    await bindTo(own);
    await wipe();
    expect(() => findRestorable(root, backup.id)).toThrow(`backup ${backup.id} is encrypted`);
    const wrong = findRestorable(root, backup.id, await generateIdentity());
    await expect(bringBack(wrong)).rejects.toThrow("the identity does not open backup");
    const right = findRestorable(root, backup.id, identity);
    await expect(bringBack(right)).rejects.toThrow(`belongs to instance another, this stack is ${own}`);
    const report = await bringBack(right, { adopt: true });
    expect(report).toMatchObject({ memories, stores: ["postgres", "neo4j", "history"] });
    expect(await content()).toEqual(before);
    await finishRestore(tools());
  });

  /** Whose the data of all three stores is; the server looks at it when it starts. */
  async function bindTo(instance: string): Promise<void> {
    await stack.sql(`UPDATE mem0_identity SET instance_id = '${instance}'`);
    await stack.cypher(`MATCH (n:Mem0Identity) SET n.instance_id = '${instance}'`);
    const script = `import sqlite3; db = sqlite3.connect('/data/history.db'); db.execute("UPDATE mem0_identity SET instance_id = '${instance}'"); db.commit()`;
    await docker("exec", stack.container("server"), "python3", "-c", script);
  }
});

/** Runs a verb and kills it when it has a container of its own. */
async function killAtWork(verb: "drill" | "verify"): Promise<void> {
  const run = mem0(stack.project.stateHome, [verb, "--stack", stack.stack]);
  await waitFor(`${verb} is at work`, async () => (await leftOf(verb)) !== "");
  run.kill("SIGKILL");
  await run;
}

/** Names of containers, volumes and networks that a verb made for itself. */
async function leftOf(verb: "drill" | "verify"): Promise<string> {
  const filter = ["--filter", `name=mem0_${verb}_${stack.stack}`];
  const found = await Promise.all([
    docker("ps", "--all", "--format", "{{.Names}}", ...filter),
    docker("volume", "ls", "--format", "{{.Name}}", ...filter),
    docker("network", "ls", "--format", "{{.Name}}", ...filter),
  ]);
  return found.join("\n").trim();
}

describe("a drill", () => {
  it("restores into containers of its own, asks them, and leaves nothing, not even of a killed one", async () => {
    const backup = await take("hourly");
    const { manifest } = backup;
    if (manifest === undefined) throw new Error("no manifest");
    const before = await content();
    await killAtWork("drill");
    expect(await leftOf("drill")).not.toBe("");
    const report = await drill(stack.deployed, { ...backup, manifest });
    expect(
      report.checks.filter(({ ok }) => !ok),
      report.reason,
    ).toEqual([]);
    expect(report).toMatchObject({ ok: true, backup: backup.id });
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["memories", "sample texts", "sample rows", "similarity search", "graph query"]),
    );
    expect(readStatus(stateDir()).drill).toMatchObject({
      result: "ok",
      seconds: report.seconds,
      backup: backup.id,
    });
    expect(await leftOf("drill")).toBe("");
    expect(await content()).toEqual(before);
  });
});

describe("verify", () => {
  it("reads both kinds of backup to the last byte, and names what is not as it was written", async () => {
    const { good } = readCatalogue(stack.deployed.backup.root);
    const newest = (tier: string) => good.findLast((backup) => backup.tier === tier);
    const chosen = [newest("hourly"), newest("daily")].filter((backup) => backup !== undefined);
    expect(chosen).toHaveLength(2);
    const look = (backups = chosen) =>
      verifyAll(stack.deployed, backups, undefined, { begin: () => {}, check: () => {} });
    expect(
      (await look()).map(({ ok, checks }) => ({ ok, wrong: checks.filter((check) => !check.ok) })),
    ).toEqual([
      { ok: true, wrong: [] },
      { ok: true, wrong: [] },
    ]);
    const directory = path.join(chosen[0]?.directory ?? "", "history");
    const file = path.join(directory, readdirSync(directory)[0] ?? "");
    const bytes = readFileSync(file);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8((flipped[40] ?? 0) ^ 1, 40);
    writeFileSync(file, flipped);
    const [first] = await look(chosen.slice(0, 1));
    expect(first).toMatchObject({ ok: false });
    expect(first?.checks.find(({ ok }) => !ok)?.found).toMatch(/history.*not as it was written/);
    writeFileSync(file, bytes);
  });

  it("that is killed leaves nothing that the next backup does not remove", async () => {
    await killAtWork("verify");
    expect(await leftOf("verify")).not.toBe("");
    await take("hourly");
    expect(await leftOf("verify")).toBe("");
    expect(existsSync(path.join(stateDir(), "backup", "scratch"))).toBe(false);
  });
});

describe("a restore that is killed", () => {
  it(
    `at any moment leaves what was live or what was in the backup, one command away at most (seed ${SEED})`,
    async () => {
      const hits = await restoreRounds({
        stack: stack.deployed,
        stateHome: stack.project.stateHome,
        rounds: ROUNDS,
        seed: SEED,
        blow: KILL,
        report: (line) => console.log(line),
      });
      expect(hits.struck).toBeGreaterThan(0);
    },
    ROUNDS_MS,
  );
});
