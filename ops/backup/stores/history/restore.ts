import { createWriteStream } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import type { Identity } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";

/** What a history file holds. */
export interface HistoryContent {
  entries: number;
  /** Undefined when it was never bound to a stack, as one of upstream's server. */
  identity: Identity | undefined;
  /** What SQLite finds wrong with the file; empty when it is sound. */
  damage: string[];
}

/** Unpacks a history file to `target` on this host, readable by its owner alone. */
export async function unpackHistory(part: OpenPart, target: string): Promise<void> {
  if (part.part.format !== "sqlite-zstd") {
    throw new Error(`${part.part.file}: a history cannot have the format ${part.part.format}`);
  }
  await pipeline(part.open(), createZstdDecompress(), createWriteStream(target, { mode: 0o600 }));
}

/** Looks at a history file on this host. */
export function readHistory(file: string): HistoryContent {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const found = db.prepare("PRAGMA integrity_check").all() as { integrity_check: string }[];
    const damage = found.map((row) => row.integrity_check).filter((line) => line !== "ok");
    if (damage.length > 0) return { entries: 0, identity: undefined, damage };
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
      name: string;
    }[];
    const has = (table: string) => tables.some(({ name }) => name === table);
    if (!has("history")) return { entries: 0, identity: undefined, damage: ["it has no table history"] };
    const { entries } = db.prepare("SELECT count(*) AS entries FROM history").get() as { entries: number };
    const text = "SELECT instance_id AS instanceId, embedder, dimensions FROM mem0_identity";
    const row = has("mem0_identity") ? db.prepare(text).get() : undefined;
    // SQLite's rows have no prototype.
    return { entries, identity: row === undefined ? undefined : ({ ...row } as unknown as Identity), damage };
  } catch (error) {
    return { entries: 0, identity: undefined, damage: [(error as Error).message] };
  } finally {
    db.close();
  }
}

/** Binds an unpacked history file to a stack, as the memory server binds a new one. */
export function bindHistory(file: string, { instanceId, embedder, dimensions }: Identity, at: Date): void {
  const db = new DatabaseSync(file);
  try {
    db.exec(
      "CREATE TABLE IF NOT EXISTS mem0_identity (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), " +
        "instance_id TEXT NOT NULL, embedder TEXT NOT NULL, dimensions INTEGER NOT NULL, created_at TEXT NOT NULL)",
    );
    db.prepare("INSERT OR REPLACE INTO mem0_identity VALUES (1, ?, ?, ?, ?)").run(
      instanceId,
      embedder,
      dimensions,
      at.toISOString(),
    );
  } finally {
    db.close();
  }
}
