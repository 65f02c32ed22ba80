import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { OWN_SCHEMA, statementOf } from "../../../../../../ops/backup/stores/neo4j/own-schema.ts";

it("a restored graph gets the indexes and constraints that the memory server makes", () => {
  const source = readFileSync("services/server/memory_server/graph.py", "utf8");
  const made = [...source.matchAll(/"(CREATE (?:INDEX|CONSTRAINT) [^"]+)"/g)].map(
    ([, statement]) => statement,
  );
  expect(made).toEqual(OWN_SCHEMA.map(statementOf));
});
