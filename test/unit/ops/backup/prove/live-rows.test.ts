import { describe, expect, it } from "vitest";
import { hashesOf, isRowId } from "../../../../../ops/backup/prove/live-rows.ts";

describe("ids of memories that a restored table tells", () => {
  it("are those of memories", () => expect(isRowId("0b0b6c1e-8f2e-4c43-9d5b-2a4a0f5b7a10")).toBe(true));

  it.each([
    "",
    "1",
    "0b0b6c1e'; DROP TABLE memories --",
    "x\\'",
    "0b0b6c1e-8f2e-4c43-9d5b-2a4a0f5b7a10\n",
    "{}",
  ])("are not asked for when they are %j", (id) => expect(isRowId(id)).toBe(false));

  it.each([[[{ id: ["a"], at: null, hash: null }]], [["a|b|c"]], [[{ id: "a" }]]])(
    "and rows that are none are refused: %j",
    (rows) => expect(() => hashesOf(rows)).toThrow(),
  );
});
