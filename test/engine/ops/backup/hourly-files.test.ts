import { writeFileSync } from "node:fs";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCatalogue } from "../../../../ops/backup/keep/catalogue.ts";
import { drill } from "../../../../ops/backup/prove/drill.ts";
import { verifyAll } from "../../../../ops/backup/prove/verify.ts";
import { readJournal } from "../../../../ops/backup/restore/journal.ts";
import { findRestorable, type Restorable } from "../../../../ops/backup/restore/restorable.ts";
import {
  finishRestore,
  type RestoreOptions,
  restore,
  rollBack,
} from "../../../../ops/backup/restore/restore.ts";
import { RESERVE_BYTES } from "../../../../ops/backup/restore/room.ts";
import { sealKeysOf } from "../../../../ops/backup/seal-keys.ts";
import { restoreRounds } from "../../../harness/rounds/restore-rounds.ts";
import { BackupStack } from "../../../harness/support/backup-stack.ts";
import { MIB, withSmallDisk } from "../../../harness/support/disks.ts";
import { needing } from "../../../harness/support/needing.ts";
import { restoreTools } from "../../../harness/support/restore-tools.ts";
import { stackContent } from "../../../harness/support/stack-content.ts";
import { SteadyWriter } from "../../../harness/support/steady-writer.ts";

const stack = new BackupStack("filestest", 28680);
const identityFile = path.join(stack.project.directory, "identity.txt");
let identity = "";

/** A seed that is always the same: the long rounds, with other seeds, are a command of their own. */
const SEED = 5;
const ROUNDS = 1;

/** Rounds restart Postgres and the server several times, which takes minutes on a machine that does other things too. */
const ROUNDS_MS = 900_000;

beforeAll(async () => {
  identity = await generateIdentity();
  writeFileSync(identityFile, `${identity}\n`, { mode: 0o600 });
  await stack.up({
    observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    backup: { hourlyFiles: true, recipients: [await identityToRecipient(identity)] },
  });
  await stack.remember("I keep bees on the roof", "anna");
  await stack.remember("My sister Clara works in Berlin", "anna");
});

afterAll(() => stack.remove());

const stateDir = () => stack.deployed.directory;
const root = () => stack.deployed.backup.root;
const content = () => stackContent(stack.deployed);
const tools = (report?: (line: string) => void) => restoreTools(stack, report);

async function take(): Promise<Restorable> {
  const { backup } = await stack.take();
  expect(backup.manifest.result).toBe("good");
  return findRestorable(root(), backup.id, identity, sealKeysOf(stack.deployed));
}

/** Restores Postgres alone, and returns what was said on the way. */
async function bringBack(backup: Restorable, options: Partial<RestoreOptions> = {}): Promise<string> {
  const said: string[] = [];
  const wish = { adopt: false, safetyBackup: false, only: "postgres" as const, ...options };
  await restore(
    tools((line) => said.push(line)),
    backup,
    wish,
  );
  return said.join("\n");
}

const FROM_FILES = "starting a throw-away Postgres on the copied files";
const FROM_DUMP = "restoring Postgres in a throw-away server";

describe("an hourly backup with Postgres' files", () => {
  it("brings back by them exactly what there was at its moment, while somebody wrote", async () => {
    const writer = new SteadyWriter(stack.deployed, "carl");
    const stop = new AbortController();
    await writer.write();
    const writing = writer.writeUntil(stop.signal);
    const backup = await take();
    stop.abort();
    await writing;
    const counts = backup.manifest?.counts;
    const after = Number(await stack.sql("SELECT count(*) FROM memories"));
    expect(after).toBeGreaterThan(counts?.memories ?? after);

    expect(await bringBack(backup)).toContain(FROM_FILES);
    expect(Number(await stack.sql("SELECT count(*) FROM memories"))).toBe(counts?.memories);
    expect(
      await stack.sql(
        "SET enable_seqscan = off; EXPLAIN SELECT id FROM memories ORDER BY vector <=> (SELECT vector FROM memories LIMIT 1) LIMIT 1",
      ),
    ).toContain("memories_hnsw_idx");
    await rollBack(tools());
    expect(Number(await stack.sql("SELECT count(*) FROM memories"))).toBe(after);
    await finishRestore(tools());
  });

  it("shows its parts to nobody without the identity, for files hold the roles' password verifiers", async () => {
    const { manifest } = await take();
    const formats = manifest?.parts.map(({ format }) => format) ?? [];
    expect(formats).toEqual(expect.arrayContaining(["pg-custom", "pg-files-zstd", "pg-log-zstd"]));
    expect(manifest?.parts.filter(({ file }) => !file.endsWith(".age"))).toEqual([]);
  });

  it("is verified file by file, and a drill starts a server on them", async () => {
    const { id } = await take();
    const { good } = readCatalogue(root(), sealKeysOf(stack.deployed));
    const chosen = good.filter((backup) => backup.id === id);
    const silent = { begin: () => {}, check: () => {} };
    const [verified] = await verifyAll(stack.deployed, chosen, identity, silent);
    expect(verified?.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(verified?.checks.map(({ name }) => name)).toContain("postgres' files");
    const restorable = findRestorable(root(), id, identity, sealKeysOf(stack.deployed));
    if (restorable.manifest === undefined) throw new Error("no manifest");
    const backup = { ...restorable, manifest: restorable.manifest };
    const drilled = await drill(stack.deployed, backup);
    expect(drilled).toMatchObject({ ok: true, reason: undefined });
    expect(drilled.checks.map(({ name }) => name)).toContain("files of Postgres");
  });

  it("gives its dump where its files do not fit, says why, and refuses them when they are asked for", async () => {
    const before = await content();
    const backup = await take();
    await stack.sql("CREATE DATABASE mine");
    const others = "the server holds other databases too: mine";
    await expect(bringBack(backup, { from: "files" })).rejects.toThrow(others);
    const said = await bringBack(backup);
    expect(said).toContain(`${others}; taking the dump`);
    expect(said).toContain(FROM_DUMP);
    expect(said).toContain("copying the checked rows into a new database of the live server");
    await finishRestore(tools());
    await stack.sql("DROP DATABASE mine");
    const strange = findRestorable(root(), backup.id, identity, []);
    await expect(bringBack(strange, { from: "files" })).rejects.toThrow("this stack did not seal it");
    expect(await bringBack(backup, { from: "dump" })).toContain(FROM_DUMP);
    await finishRestore(tools());
    expect(await content()).toEqual(before);
  });

  it(
    `that is restored and killed at any moment loses nothing (seed ${SEED})`,
    async () => {
      const hits = await restoreRounds({
        ...stack.kills(SEED, ROUNDS),
        only: "postgres",
        identity: identityFile,
      });
      expect(hits.struck).toBeGreaterThan(0);
    },
    ROUNDS_MS,
  );
});

needing("root").describe("a restore for which the disk has too little room", () => {
  it("is not begun, or given up while the live server still has some, and that goes on", async () => {
    const [before, backup] = [await content(), await take()];
    const said: string[] = [];
    const bring = (from: "dump" | "files") =>
      restore(
        tools((line) => said.push(line)),
        backup,
        { adopt: false, safetyBackup: false, from },
      );
    await withSmallDisk(stack, RESERVE_BYTES, async (leave) => {
      await leave(RESERVE_BYTES - MIB);
      await expect(bring("dump")).rejects.toThrow(/too little room: 1023/);
      expect(said).toEqual(["comparing checksums"]);
      // Less than an empty database takes.
      await leave(RESERVE_BYTES + 4 * MIB);
      for (const from of ["dump", "files"] as const) {
        await expect(bring(from)).rejects.toThrow(/too little room/);
        expect(readJournal(stateDir())).toBeUndefined();
      }
      expect(said).toEqual(expect.arrayContaining([FROM_DUMP, FROM_FILES]));
      expect(await stack.sql("SELECT datname FROM pg_database WHERE datname LIKE '%restore%'")).toBe("");
      expect(await content()).toEqual(before);
    });
  });
});
