import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { createZstdCompress } from "node:zlib";
import type { PartSink } from "../../../ops/backup/format/part.ts";
import { PartFiles } from "../../../ops/backup/format/part-files.ts";
import { beginPartial } from "../../../ops/backup/keep/unfinished.ts";
import { rewriteHistory } from "../../../ops/backup/stores/history/restore.ts";
import { seal } from "../../../ops/backup/take/sealing.ts";
import { exampleContent } from "./backup-directory.ts";

const IDENTITY = { instanceId: "i-1", embedder: "mem0-embedded", dimensions: 4 };

/** A graph of two nodes and one relationship, with the server's own nodes. */
const GRAPH = [
  { type: "header", format: 1, constraints: [], indexes: [] },
  {
    type: "node",
    id: "4:g:0",
    labels: ["__Entity__", "person"],
    properties: { name: "anna", user_id: "anna" },
  },
  { type: "node", id: "4:g:1", labels: ["__Entity__"], properties: { name: "bees", born: { $int: "7" } } },
  {
    type: "node",
    id: "4:g:2",
    labels: ["Mem0Identity"],
    properties: { only_one: true, instance_id: "i-1", embedder: "mem0-embedded", dimensions: { $int: "4" } },
  },
  { type: "relationship", start: "4:g:0", end: "4:g:1", kind: "KEEPS", properties: { valid: true } },
  { type: "end", nodes: 3, relationships: 1 },
];

/** What COPY writes of a table of one column and no rows but one. */
const COPY = Buffer.concat([
  Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1"),
  Buffer.from([0, 1, 0, 0, 0, 2, 0x61, 0x62, 0xff, 0xff]),
]);

/**
 * Writes a backup as a run does, whose every part can be read but for the dump of Postgres, which takes a Postgres.
 *
 * @returns its directory
 */
export async function writeWholeBackup(root: string, id: string): Promise<string> {
  const partial = await beginPartial(root, `daily-${id}`);
  const parts = new PartFiles(partial, []);
  const write = (part: Omit<Parameters<PartSink["write"]>[0], "produce">, bytes: Buffer, zstd = true) =>
    parts.write({
      ...part,
      produce: () => ({
        stream: Readable.from([bytes]),
        through: zstd ? [createZstdCompress()] : [],
        done: Promise.resolve(),
      }),
    });
  const lines = GRAPH.map((line) => `${JSON.stringify(line)}\n`).join("");
  const roles = Buffer.from("CREATE ROLE x;\n-- PostgreSQL database cluster dump complete\n");
  const graph = {
    source: "neo4j",
    name: "graph",
    fileName: `graph_${id}.jsonl.zst`,
    format: "graph-lines-zstd",
  } as const;
  const history = {
    source: "history",
    name: "history",
    fileName: `history_${id}.db.zst`,
    format: "sqlite-zstd",
  } as const;
  const postgres = { source: "postgres" } as const;
  await write(graph, Buffer.from(lines));
  await write(history, historyFile());
  await write(
    { ...postgres, name: "memories", fileName: `memories_${id}.copy.zst`, format: "pg-copy-zstd" },
    COPY,
  );
  await write(
    { ...postgres, name: "mem0", fileName: `mem0_${id}.dump`, format: "pg-custom" },
    Buffer.from("PGDMP"),
    false,
  );
  await write({ ...postgres, name: "globals", fileName: `globals_${id}.sql`, format: "sql" }, roles, false);
  await write(
    { source: "stack", name: "manifest", fileName: `manifest_${id}.json`, format: "json" },
    Buffer.from("{}"),
    false,
  );
  const { checksums: _, parts: __, ...content } = exampleContent(id, "daily", { identity: IDENTITY });
  const counts = { memories: 1, users: 1, nodes: 2, relationships: 1, historyEntries: 2 };
  return seal(root, partial, parts, { ...content, counts });
}

/** A history of two entries, of the server's own making. */
function historyFile(): Buffer {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-history-"));
  try {
    const given = path.join(directory, "given.db");
    const db = new DatabaseSync(given);
    db.exec("CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, new_memory TEXT, event TEXT)");
    db.exec(
      "INSERT INTO history VALUES ('a', 'm', 'I keep bees', 'ADD'), ('b', 'm', 'I kept bees', 'UPDATE')",
    );
    db.close();
    const file = path.join(directory, "history.db");
    rewriteHistory(given, file);
    return readFileSync(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
