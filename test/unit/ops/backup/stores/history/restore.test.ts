import { existsSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  bindHistory,
  readHistory,
  rewriteHistory,
} from "../../../../../../ops/backup/stores/history/restore.ts";
import { scratchDirectory } from "../../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const IDENTITY = { instanceId: "i-1", embedder: "e", dimensions: 384 };
const TABLE = "CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, new_memory TEXT, event TEXT)";
const at = (name: string) => path.join(root.path, name);

/** A history of two entries, with whatever else. */
function make(...statements: string[]): string {
  const file = at("given.db");
  const db = new DatabaseSync(file);
  const rows =
    "INSERT INTO history (id, memory_id, new_memory, event) VALUES ('a', 'm', 'x', 'ADD'), ('b', 'm', 'y', 'UPDATE')";
  for (const statement of [TABLE, rows, ...statements]) db.exec(statement);
  db.close();
  return file;
}

describe("a history file from elsewhere", () => {
  it.each([
    ["trigger", "CREATE TRIGGER t AFTER INSERT ON history BEGIN DELETE FROM history; END"],
    ["view", "CREATE VIEW v AS SELECT 1"],
    ["table", "CREATE VIRTUAL TABLE v USING fts5(text)"],
    ["table", "CREATE TABLE v (a, b GENERATED ALWAYS AS (hex(a)))"],
    ["table", "CREATE TABLE v (a CHECK (randomblob(1000000000) IS NULL))"],
    ["index", "CREATE INDEX v ON history (hex(id))"],
    ["index", "CREATE INDEX v ON history (id) WHERE id > 'a'"],
    ["table", "CREATE TABLE mem0_identity (only_one, instance_id, embedder, dimensions, created_at)"],
  ])("with a %s that would act by itself is refused by its name: %s", (type, statement) => {
    const name = /(?:TRIGGER|VIEW|TABLE|INDEX) (\w+)/.exec(statement)?.[1];
    expect(readHistory(make(statement)).damage[0]).toMatch(new RegExp(`^it has ${type} "${name}"`));
  });

  it.each([
    ["tables", Array.from({ length: 120 }, (_, n) => `CREATE TABLE t${n} (a)`), "more than 100 tables"],
    [
      "text in a definition",
      [`CREATE TABLE t (a DEFAULT '${"x".repeat(20_000)}')`],
      "its definition is longer",
    ],
  ])("is read no further when it is full of %s", (_, statements, why) => {
    expect(readHistory(make(...statements)).damage[0]).toContain(why);
  });

  it("comes as a new one with the server's own tables, its entries and its identity", () => {
    const file = make("CREATE TABLE messages (id TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP)");
    bindHistory(file, IDENTITY, new Date(0));
    expect(readHistory(file)).toEqual({ entries: 2, identity: IDENTITY, damage: [] });
    rewriteHistory(file, at("new.db"));
    expect(readHistory(at("new.db"))).toEqual({ entries: 2, identity: IDENTITY, damage: [] });
    const db = new DatabaseSync(at("new.db"), { readOnly: true });
    const objects = db.prepare("SELECT name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").all();
    expect(objects.map(({ name }) => name)).toEqual(["history", "history_memory_id", "mem0_identity"]);
    expect(db.prepare("SELECT id, new_memory, role FROM history ORDER BY id").all()).toEqual([
      expect.objectContaining({ id: "a", new_memory: "x", role: null }),
      expect.objectContaining({ id: "b", new_memory: "y", role: null }),
    ]);
    db.close();
    expect(existsSync(at("new.db-journal"))).toBe(false);
  });
});
