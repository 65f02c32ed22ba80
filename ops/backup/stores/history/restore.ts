import { createWriteStream, rmSync } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { Problem } from "../../../base/problem.ts";
import type { Identity } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { decompressed, otherFormat } from "../../format/streams.ts";

/** What a history file holds. */
export interface HistoryContent {
  entries: number;
  /** Undefined when it was never bound to a stack, as one of upstream's server. */
  identity: Identity | undefined;
  /** What is wrong with the file, by SQLite's word or since no server makes such; empty when it is sound. */
  damage: string[];
}

/** Stays free on this host's disk whatever is unpacked there. */
const RESERVE_BYTES = 256 * 1024 ** 2;

/** The tables as the memory server makes them (services/server/memory_server/history.py). */
const COLUMNS = {
  id: "TEXT PRIMARY KEY",
  memory_id: "TEXT",
  old_memory: "TEXT",
  new_memory: "TEXT",
  event: "TEXT",
  created_at: "DATETIME",
  updated_at: "DATETIME",
  is_deleted: "INTEGER",
  actor_id: "TEXT",
  role: "TEXT",
} as const;
const IDENTITY_TABLE =
  "mem0_identity (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), " +
  "instance_id TEXT NOT NULL, embedder TEXT NOT NULL, dimensions INTEGER NOT NULL, created_at TEXT NOT NULL)";

/**
 * Unpacks a history file to `target` on this host, readable by its owner alone.
 *
 * @throws Problem when it holds more than it can have held, or than there is room for
 */
export async function unpackHistory(part: OpenPart, target: string): Promise<void> {
  if (part.part.format !== "sqlite-zstd") throw otherFormat(part.part, "a history");
  const { bavail, bsize } = await statfs(path.dirname(target));
  const room = Math.max(0, bavail * bsize - RESERVE_BYTES);
  await pipeline(decompressed(part, room), createWriteStream(target, { mode: 0o600 }));
}

/** Looks at a history file on this host. */
export function readHistory(file: string): HistoryContent {
  const damaged = (...damage: string[]): HistoryContent => ({ entries: 0, identity: undefined, damage });
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec("PRAGMA trusted_schema = OFF");
    // Before anything is asked that would evaluate what the file says.
    const strange = strangeObject(db);
    if (strange !== undefined) return damaged(strange);
    const found = db.prepare("PRAGMA integrity_check").all() as { integrity_check: string }[];
    const damage = found.map((row) => row.integrity_check).filter((line) => line !== "ok");
    if (damage.length > 0) return damaged(...damage);
    if (!has(db, "history")) return damaged("it has no table history");
    const { entries } = db.prepare("SELECT count(*) AS entries FROM history").get() as { entries: number };
    return { entries, identity: readIdentity(db), damage };
  } catch (error) {
    return damaged((error as Error).message);
  } finally {
    db.close();
  }
}

/**
 * Writes the entries and the identity of a file that was found sound into a new one with the memory server's own tables,
 * which is the one that a server may be given: conditions, triggers and tables of the other stay behind.
 */
export function rewriteHistory(file: string, target: string): void {
  rmSync(target, { force: true });
  const db = new DatabaseSync(target);
  try {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`);
    db.exec(`CREATE TABLE history (${columns.join(", ")})`);
    db.exec("PRAGMA trusted_schema = OFF");
    db.prepare("ATTACH ? AS given").run(file);
    const given = db.prepare("SELECT name FROM pragma_table_info('history', 'given')").all() as {
      name: string;
    }[];
    const there = Object.keys(COLUMNS).filter((column) => given.some(({ name }) => name === column));
    db.exec(`INSERT INTO main.history (${there.join(", ")}) SELECT ${there.join(", ")} FROM given.history`);
    if (has(db, "mem0_identity", "given")) {
      db.exec(`CREATE TABLE ${IDENTITY_TABLE}`);
      db.exec("INSERT INTO main.mem0_identity SELECT * FROM given.mem0_identity");
    }
    db.exec("DETACH given");
    db.exec("CREATE INDEX history_memory_id ON history (memory_id)");
  } catch (cause) {
    throw new Problem(`the history cannot be copied out of its file: ${(cause as Error).message}`, { cause });
  } finally {
    db.close();
  }
}

/** Binds an unpacked history file to a stack, as the memory server binds a new one. */
export function bindHistory(file: string, { instanceId, embedder, dimensions }: Identity, at: Date): void {
  const db = new DatabaseSync(file);
  try {
    db.exec(`CREATE TABLE IF NOT EXISTS ${IDENTITY_TABLE}`);
    const insert = "INSERT OR REPLACE INTO mem0_identity VALUES (1, ?, ?, ?, ?)";
    db.prepare(insert).run(instanceId, embedder, dimensions, at.toISOString());
  } finally {
    db.close();
  }
}

/** Tables and indexes of a history, with some that somebody else may have made; and how long a definition is, and a name. */
const MOST_OBJECTS = 100;
const MOST_SQL = 10_000;
const TOLD = 200;

/**
 * What of a file no memory server makes, and would do something by itself when it is read or written to: a trigger, a
 * view, a virtual table, a column or a condition that is computed.
 */
function strangeObject(db: DatabaseSync): string | undefined {
  const text =
    `SELECT type, substr(name, 1, ${TOLD}) AS name, substr(sql, 1, ${MOST_SQL + 1}) AS sql, rootpage ` +
    `FROM sqlite_master LIMIT ${MOST_OBJECTS + 1}`;
  const objects = db.prepare(text).all() as {
    type: string;
    name: string;
    sql: string | null;
    rootpage: number;
  }[];
  if (objects.length > MOST_OBJECTS) return `it has more than ${MOST_OBJECTS} tables and indexes`;
  for (const { type, name, sql, rootpage } of objects) {
    const named = `it has ${type} ${JSON.stringify(name)}, which no memory server makes`;
    if ((type !== "table" && type !== "index") || rootpage === 0) return named;
    if ((sql?.length ?? 0) > MOST_SQL)
      return `${named}: its definition is longer than ${MOST_SQL} characters`;
    if (name === "mem0_identity") {
      if (bare(sql ?? "") !== bare(`CREATE TABLE ${IDENTITY_TABLE}`)) return named;
    } else if (type === "index" ? isComputed(sql) : /\b(check|generated|as)\b/i.test(sql ?? "")) {
      return `${named}: it computes`;
    }
  }
  return undefined;
}

/** Whether an index is more than a list of columns. */
function isComputed(sql: string | null): boolean {
  return sql !== null && !/^CREATE (UNIQUE )?INDEX [\w"]+ ON [\w"]+ ?\([\w", ]+\)$/i.test(sql);
}

function bare(sql: string): string {
  return sql.replaceAll(/\s/g, "");
}

function has(db: DatabaseSync, table: string, schema: "main" | "given" = "main"): boolean {
  const text = `SELECT 1 FROM ${schema}.sqlite_master WHERE type = 'table' AND name = ?`;
  return db.prepare(text).get(table) !== undefined;
}

function readIdentity(db: DatabaseSync): Identity | undefined {
  if (!has(db, "mem0_identity")) return undefined;
  const row = db.prepare("SELECT instance_id, embedder, dimensions FROM mem0_identity").get();
  if (row === undefined) return undefined;
  const { instance_id: instanceId, embedder, dimensions } = row;
  return {
    instanceId: String(instanceId),
    embedder: String(embedder),
    dimensions: Number(dimensions),
  };
}
