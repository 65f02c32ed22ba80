import { describe, expect, it } from "vitest";
import { relationLine } from "../../../../../ops/backup/restore/user.ts";

const RELATION = {
  source: "ann",
  relationship: "works_at",
  destination: "acme",
  source_type: null,
  user_id: "anna",
  agent_id: "helper",
  run_id: null,
  memory_ids: ["m"],
};

describe("a relation of one user in a backup", () => {
  it("comes back with those who told it", () => {
    const told_by = ['["helper","run \\"1\\""]', "[null,null]", ""];
    expect(relationLine({ ...RELATION, told_by })).toEqual({
      type: "relation",
      source: "ann",
      relationship: "works_at",
      destination: "acme",
      user_id: "anna",
      agent_id: "helper",
      memory_ids: ["m"],
      told_by: [
        ["helper", 'run "1"'],
        [null, null],
        ["helper", null],
      ],
    });
  });

  it.each([null, undefined, [], "[null,null]", ["{", "[1,2]", '["a"]', '{"a":1}', 7, '["a","b","c"]']])(
    "is told by those whom its entities name where its marks are none (%j)",
    (told_by) => {
      expect(relationLine({ ...RELATION, told_by })).not.toHaveProperty("told_by");
    },
  );
});
