import { describe, expect, it } from "vitest";
import { ownColumns, schemaOf } from "../../../../../../ops/backup/stores/postgres/schema.ts";
import { throwawayMemory } from "../../../../../../ops/backup/stores/postgres/throwaway.ts";

describe("the tables of a stack", () => {
  it("are made by the server's own statements, under the collection's name", () => {
    const { ownTables, collection, similarityIndex, indexes } = schemaOf('my "own"', 384);
    expect(collection).toBe(
      'CREATE TABLE IF NOT EXISTS "my ""own""" (id uuid PRIMARY KEY, vector vector(384), payload jsonb)',
    );
    expect(similarityIndex).toBe(
      'CREATE INDEX IF NOT EXISTS "my ""own""_hnsw_idx" ON "my ""own""" USING hnsw (vector vector_cosine_ops)',
    );
    expect(ownTables).toHaveLength(3);
    expect(indexes).toHaveLength(4);
    const all = [collection, similarityIndex, ...ownTables, ...indexes].join("\n");
    expect(all).not.toMatch(/[{}]|--/);
    expect(schemaOf("memories", undefined).collection).toContain("vector vector,");
  });

  it("are known by their columns", () => {
    expect([...ownColumns().keys()]).toEqual(["mem0_identity", "mem0_intents", "mem0_idempotency"]);
    expect(ownColumns().get("mem0_identity")).toEqual(
      expect.arrayContaining(["only_one", "instance_id", "history_bound_at"]),
    );
  });
});

describe("the memory of a throw-away server", () => {
  it.each([
    [1024, 64, 800],
    [1536, 96, 1280],
    [256, 16, 80],
    [0, 64, 800],
  ])("of %i MB leaves the index all but what the server needs", (limit, sharedBuffers, index) => {
    expect(throwawayMemory(limit * 1024 ** 2)).toEqual({ sharedBuffers, index });
  });
});
