import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCatalogue } from "../../../../ops/backup/keep/catalogue.ts";
import { drill } from "../../../../ops/backup/prove/drill.ts";
import { verifyAll } from "../../../../ops/backup/prove/verify.ts";
import { readJournal } from "../../../../ops/backup/restore/journal.ts";
import { continueRestore, finishRestore } from "../../../../ops/backup/restore/restore.ts";
import { restoreUser } from "../../../../ops/backup/restore/user.ts";
import { sealKeysOf } from "../../../../ops/backup/seal-keys.ts";
import { readStatus } from "../../../../ops/backup/status-file.ts";
import { fuzzRestores } from "../../../harness/rounds/backup-fuzz-restores.ts";
import { waitFor } from "../../../harness/support/eventually.ts";
import { mem0 } from "../../../harness/support/mem0-run.ts";
import { needing } from "../../../harness/support/needing.ts";
import { RestoredStack } from "../../../harness/support/restored-stack.ts";
import { SteadyWriter } from "../../../harness/support/steady-writer.ts";
import { docker } from "../../../harness/support/watched-stack.ts";

const stack = new RestoredStack("restoretest", 28670);

/** A seed that is always the same; `./mem0 test rounds backup-fuzz` has others, for all that needs no stack. */
const FUZZ = { rounds: 5, seed: 2 };

beforeAll(() => stack.upWithMemories());

afterAll(() => stack.remove());

/** What pg_dump says of the database without its rows; a key of its own each time is left out. */
async function schema(): Promise<string> {
  const database = `mem0_${stack.stack}`;
  const dump = ["pg_dump", "-U", "postgres", "-d", database, "--schema-only"];
  return (await docker("exec", stack.container("postgres"), ...dump)).replace(/^\\(un)?restrict .*$/gm, "");
}

describe("a stack whose data is lost", () => {
  it("is as it was after restoring a daily backup, and what was lost was backed up before", async () => {
    const [before, found] = [await stack.content(), await stack.answers()];
    const backup = await stack.takeWhole("daily");
    await stack.wipe();
    expect(await stack.content()).not.toEqual(before);
    const tables = await schema();
    const report = await stack.bringBack(backup, { safetyBackup: true });
    expect(report).toMatchObject({ memories: 5, stores: ["postgres", "neo4j", "history"], lacks: [] });
    expect(await schema(), "the tables are as the server made them").toBe(tables);
    expect(await stack.content()).toEqual(before);
    expect(await stack.answers()).toEqual(found);
    // What was live looks wrong beside the last good one, and is kept apart for that.
    const safety = stack.find(report.safetyBackup ?? "");
    expect(safety.manifest).toMatchObject({ result: "suspect", counts: { memories: 0 } });

    await finishRestore(stack.tools());
    expect(readJournal(stack.directory)).toBeUndefined();
    rmSync(path.join(stack.deployed.backup.root, "suspect"), { recursive: true });
  });

  it("gets one store back alone; whatever was written until then is in the backup made before", async () => {
    const backup = await stack.takeWhole("hourly");
    const { neo4j: graph } = await stack.content();
    const startedAt = () => docker("inspect", "--format", "{{.State.StartedAt}}", stack.container("neo4j"));
    const before = await startedAt();
    await stack.sql("DELETE FROM memories WHERE payload->>'user_id' = 'anna'");
    // Beside a database of somebody else's the rows are copied into the live server, which goes on.
    await stack.sql("CREATE DATABASE mine");
    const writer = new SteadyWriter(stack.deployed, "writer");
    await writer.write();
    const stop = new AbortController();
    const writing = writer.writeUntil(stop.signal);
    const whenServerStops = (line: string) => {
      if (line === "stopping the memory server") stop.abort();
    };
    const report = await stack.bringBack(backup, { only: "postgres", safetyBackup: true }, whenServerStops);
    await writing;
    await stack.sql("DROP DATABASE mine");
    expect(report).toMatchObject({ memories: 5, stores: ["postgres"] });
    expect(report.lacks.join()).toMatch(/only postgres of stack restoretest was restored/);
    expect(await startedAt(), "Neo4j goes on").toBe(before);
    const former = `mem0_restoretest_before_${readJournal(stack.directory)?.id}`;
    expect(await writer.lost(former)).toBe(0);
    const safety = stack.find(report.safetyBackup ?? "");
    expect(safety.manifest?.counts.memories).toBe(2 + writer.acknowledged.length);
    expect(existsSync(backup.directory), "it is no longer the newest of its hour, and stays").toBe(true);
    await finishRestore(stack.tools());

    await stack.cypher("MATCH (n:__Entity__) DETACH DELETE n");
    expect(await stack.bringBack(backup, { only: "neo4j" })).toMatchObject({ stores: ["neo4j"] });
    expect((await stack.content()).neo4j).toBe(graph);
    await finishRestore(stack.tools());
  });

  it("that was killed before the swap is backed up anew by --continue, with what was written since", async () => {
    const [backup, before] = [await stack.takeWhole("hourly"), await stack.content()];
    const dies = (line: string) => {
      if (line === "stopping the memory server") throw new Error("killed");
    };
    const only = { only: "history", safetyBackup: true } as const;
    await expect(stack.bringBack(backup, only, dies)).rejects.toThrow("killed");
    const cutOff = readJournal(stack.directory);
    expect(cutOff?.phase).toBe("prepared");
    await stack.remember("I have a parrot", "anna");
    const report = await continueRestore(stack.tools(), () => backup);
    expect(report?.safetyBackup).not.toBe(cutOff?.safetyBackup);
    const safety = stack.find(report?.safetyBackup ?? "");
    expect(safety.manifest?.counts.memories).toBe(6);
    expect((await stack.content()).history).toBe(before.history);
    await finishRestore(stack.tools());
    await stack.sql("DELETE FROM memories WHERE payload->>'data' LIKE '%parrot%'");
  });

  it("goes on although Postgres was started anew while its database was closed for the swap", async () => {
    const [backup, before] = [await stack.takeWhole("hourly"), await stack.content()];
    await stack.sql("DELETE FROM memories");
    await stack.sql("CREATE ROLE somebody");
    const dies = (line: string) => {
      if (line === "putting the restored postgres in its place") throw new Error("killed");
    };
    await expect(stack.bringBack(backup, { only: "postgres" }, dies)).rejects.toThrow("killed");
    const postgres = stack.container("postgres");
    const psql = ["psql", "-XAtqU", "postgres", "-c"];
    await docker("exec", postgres, ...psql, `ALTER DATABASE mem0_${stack.stack} ALLOW_CONNECTIONS false`);
    await docker("restart", postgres);
    await continueRestore(stack.tools(), () => backup);
    expect(await stack.content()).toEqual(before);
    await stack.sql("DROP ROLE somebody");
    await finishRestore(stack.tools());
  });

  needing("root").it("keeps what is live when the host's disk is full", async () => {
    const [backup, before] = [await stack.takeWhole("hourly"), await stack.content()];
    const work = path.join(stack.directory, "backup");
    // Room for the lock and the journal, and not for the history.
    await execa("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", work]);
    try {
      await expect(stack.bringBack(backup, { only: "history" })).rejects.toThrow(
        "the part does not fit on the disk",
      );
    } finally {
      await execa("umount", [work]);
    }
    expect(readJournal(stack.directory)).toBeUndefined();
    expect(await stack.content()).toEqual(before);
    await stack.remember("I like rain", "bert");
    await stack.sql("DELETE FROM memories WHERE payload->>'data' LIKE '%rain%'");
  });

  it("gets one user's memories back without anybody else's being touched", async () => {
    const anna = "MATCH (:__Entity__ {user_id: 'anna'})-[r]->()";
    await stack.cypher(`${anna} SET r.told_by = ['["helper",null]', '[null,null]']`);
    const backup = await stack.takeWhole("hourly");
    await stack.sql("DELETE FROM memories WHERE payload->>'user_id' = 'anna'");
    await stack.cypher("MATCH (n:__Entity__ {user_id: 'anna'}) DETACH DELETE n");
    await stack.remember("I have a dog called Rex", "bert");
    const options = { user: "anna", report: () => {}, progress: () => {} };
    const report = await restoreUser(stack.deployed, backup, options);
    expect(report).toMatchObject({ memories: 3, added: 3, skipped: 0, failed: 0 });
    expect(report.relations).toBeGreaterThan(0);
    const by = "SELECT payload->>'user_id', count(*) FROM memories GROUP BY 1 ORDER BY 1";
    expect(await stack.sql(by)).toBe("anna|3\nbert|3");
    const told = await stack.cypher(`${anna} UNWIND r.told_by AS mark RETURN DISTINCT mark ORDER BY mark`);
    expect(told).toEqual([['["helper",null]'], ["[null,null]"]]);
    expect(await stack.sql("SELECT datname FROM pg_database WHERE datname LIKE '%_user_%'")).toBe("");
  });
});

describe("a restore of a damaged or forged backup", () => {
  it(`brings back all of it, or is refused and leaves what is live (seed ${FUZZ.seed})`, async () => {
    const { refused, read } = await fuzzRestores(stack, { ...FUZZ, report: (line) => console.log(line) });
    expect(refused + read).toBe(FUZZ.rounds);
    expect(read).toBeGreaterThan(0);
  });
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
    const backup = await stack.takeWhole("hourly");
    const { manifest } = backup;
    if (manifest === undefined) throw new Error("no manifest");
    const before = await stack.content();
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
    expect(readStatus(stack.directory).drill).toMatchObject({
      result: "ok",
      seconds: report.seconds,
      backup: backup.id,
    });
    expect(await leftOf("drill")).toBe("");
    expect(await stack.content()).toEqual(before);

    const reader = await stack.deployed.reader();
    const asked = await reader.query("SELECT count(*)::int AS memories FROM memories");
    expect(asked.rows, "the live rows were asked by a role that may look").toEqual([
      { memories: manifest.counts.memories },
    ]);
    await expect(reader.query("DELETE FROM memories")).rejects.toThrow("read-only transaction");
    await reader.end();
  });
});

describe("verify", () => {
  it("reads both kinds of backup to the last byte, and names what is not as it was written", async () => {
    const { good } = readCatalogue(stack.deployed.backup.root, sealKeysOf(stack.deployed));
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
    await stack.takeWhole("hourly");
    expect(await leftOf("verify")).toBe("");
    expect(existsSync(path.join(stack.directory, "backup", "scratch"))).toBe(false);
  });
});
