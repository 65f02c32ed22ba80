import { createHash } from "node:crypto";
import {
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";
import { layout, type Tier } from "../../../ops/backup/format/layout.ts";
import type { OpenPart } from "../../../ops/backup/format/part.ts";
import { decompressed, gunzipped } from "../../../ops/backup/format/streams.ts";
import { readCatalogue } from "../../../ops/backup/keep/catalogue.ts";
import { discard, judge, pin, prune } from "../../../ops/backup/keep/keeping.ts";
import { removeDeadPartials } from "../../../ops/backup/keep/unfinished.ts";
import { requireAsWritten } from "../../../ops/backup/restore/requirements.ts";
import { findRestorable, type Restorable } from "../../../ops/backup/restore/restorable.ts";
import { readHistory, rewriteHistory, unpackHistory } from "../../../ops/backup/stores/history/restore.ts";
import { readGraphLines } from "../../../ops/backup/stores/neo4j/restore-lines.ts";
import { countRows } from "../../../ops/backup/stores/postgres/copy-format.ts";
import { Problem } from "../../../ops/base/problem.ts";
import { seededRandom } from "../support/random.ts";
import { writeWholeBackup } from "../support/whole-backup.ts";
import { type Damage, damage } from "./backup-mutations.ts";

const ID = "20261124_023000";
const KEEP = { hourly: 1, daily: 1, weekly: 1, monthly: 1 };

/** How many damaged backups were refused, and how many read as they should be. */
export interface FuzzHits {
  refused: number;
  read: number;
}

export interface FuzzOptions {
  rounds: number;
  seed: number;
  report?: (line: string) => void;
}

/**
 * Damages a copy of a backup in as many ways as there are rounds, and has it looked at: always it is refused by a Problem
 * that names what is wrong, or it is taken whole; and nothing outside of its root is another.
 *
 * @param backup a good one
 * @param look takes the copy in this root, or throws a Problem
 * @throws Error that names the round, what was done to the backup, and what came of it
 */
export async function fuzz(
  backup: { tier: Tier; id: string; directory: string },
  { rounds, seed, report = () => {} }: FuzzOptions,
  look: (root: string, damage: Damage) => Promise<void>,
): Promise<FuzzHits> {
  const random = seededRandom(seed);
  const hits: FuzzHits = { refused: 0, read: 0 };
  await inPlace(async (place) => {
    for (let round = 1; round <= rounds; round += 1) {
      const [root, outside] = [path.join(place, "root"), path.join(place, "outside")];
      for (const directory of [root, outside]) rmSync(directory, { recursive: true, force: true });
      const directory = layout.backup(root, backup.tier, backup.id);
      for (const copy of [directory, path.join(outside, "backup")])
        cpSync(backup.directory, copy, { recursive: true });
      writeFileSync(path.join(outside, "canary"), "nobody's business");
      const done = damage({ root, outside, random, directory });
      const failed = (why: string, cause?: unknown) =>
        new Error(`round ${round} of seed ${seed} (${done.what}): ${why}`, { cause });
      const before = contentOf(outside);
      try {
        await look(root, done);
        hits.read += 1;
        report(`${round}: ${done.what}: taken`);
      } catch (error) {
        if (!(error instanceof Problem)) throw failed(`${error}`, error);
        hits.refused += 1;
        report(`${round}: ${done.what}: ${error.message}`);
      }
      await keepAll(root, backup.id).catch((error: unknown) => {
        throw failed(`keeping it: ${error}`, error);
      });
      if (contentOf(outside) !== before) throw failed("something outside of the backups is another");
    }
  });
  return hits;
}

/** Has damaged backups read by all that reads backups without Docker. */
export async function fuzzReaders(options: FuzzOptions): Promise<FuzzHits> {
  return inPlace(async (place) => {
    const directory = await writeWholeBackup(place, ID);
    const whole = await readAll(place, ID, place);
    return fuzz({ tier: "daily", id: ID, directory }, options, async (root, { forged }) => {
      const found = await readAll(root, ID, place);
      if (!forged && found !== whole) throw new Error("it was taken, and is another");
    });
  });
}

async function inPlace<T>(work: (place: string) => Promise<T>): Promise<T> {
  const place = mkdtempSync(path.join(os.tmpdir(), "mem0-fuzz-"));
  try {
    return await work(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What a backup holds, as its readers tell it. */
async function readAll(root: string, id: string, work: string): Promise<string> {
  const catalogue = readCatalogue(root, []);
  judge(catalogue, KEEP, new Date("2026-11-25T00:00:00Z"));
  const opened = findRestorable(root, id, undefined, []);
  await requireAsWritten(opened, "test");
  return JSON.stringify([
    opened.manifest?.counts,
    opened.manifest?.identity,
    await contentOfParts(opened, work),
  ]);
}

async function contentOfParts(
  { graph, history, postgres, manifest }: Restorable,
  work: string,
): Promise<unknown> {
  const read: unknown[] = [];
  if (graph?.kind === "lines") {
    const found = await readGraphLines(graph.part);
    requireEqual("nodes", found.nodes, manifest?.counts.nodes);
    requireEqual("relationships", found.relationships, manifest?.counts.relationships);
    read.push(found);
  }
  if (history !== undefined) {
    const file = path.join(work, "history.db");
    await unpackHistory(history, file);
    const { damage: wrong, entries, identity } = readHistory(file);
    if (wrong[0] !== undefined) throw new Problem(wrong[0]);
    requireEqual("history entries", entries, manifest?.counts.historyEntries);
    const own = path.join(work, "own.db");
    rewriteHistory(file, own);
    requireEqual("history entries", readHistory(own).entries, entries);
    read.push([entries, identity]);
  }
  if (postgres?.rows !== undefined) read.push(await rowsOf(postgres.rows));
  // One of the old guide's form: Neo4j's files in an archive.
  if (graph?.kind === "files") await finished(gunzipped(graph, graph.open).resume());
  return read;
}

/** Only `verify` counts them, which takes any error for damage. */
function rowsOf(rows: OpenPart): Promise<number> {
  return countRows(decompressed(rows)).catch((cause: Error) => {
    throw new Problem(cause.message, { cause });
  });
}

function requireEqual(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Problem(`${what}: ${found} in the backup, ${wanted} in its manifest`);
}

/** Does with a root of damaged backups what is done with any root. */
async function keepAll(root: string, id: string): Promise<void> {
  const works = [
    () => prune(root, KEEP, new Date("2026-11-25T00:00:00Z"), []),
    () => pin(root, id, "kept"),
    () => discard(root, id, []),
    () => removeDeadPartials(root),
  ];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
}

/** Everything in a directory: names, kinds, content. */
function contentOf(directory: string): string {
  const hash = createHash("sha256");
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  for (const file of entries.map((entry) => path.join(entry.parentPath, entry.name)).sort()) {
    const { mode, mtimeMs } = lstatSync(file);
    const kind = lstatSync(file);
    const content = kind.isFile() ? readFileSync(file) : kind.isSymbolicLink() ? readlinkSync(file) : "";
    hash.update(`${file} ${mode} ${mtimeMs}\n`).update(content);
  }
  return hash.digest("hex");
}
