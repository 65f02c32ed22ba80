import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  COLLECTION_LENGTH,
  LONGEST_INDEX_ENDING,
  namesFor,
  POSTGRES_NAME_BYTES,
  SERVICES,
  STACK_NAME,
} from "../../../config/names.ts";
import { parseSettings } from "../../../config/settings.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { exampleHost } from "../../harness/support/example-settings.ts";

const server = (file: string) =>
  readFileSync(path.join(CHECKOUT, "services/server/memory_server", file), "utf8");

function accepts(memory: Record<string, string>): boolean {
  const config = { model: '{"provider":"embedded"}', memory: JSON.stringify(memory) };
  return parseSettings("test", config, exampleHost).ok;
}

describe("the longest name of a collection", () => {
  it("leaves room for every ending of an index that the memory server makes", () => {
    const endings = [...server("schema.sql").matchAll(/\{collection(_\w+)\}/g)].map(
      ([, ending = ""]) => ending,
    );
    expect(endings).toContain("_hnsw_idx");
    expect(Math.max(...endings.map(({ length }) => length))).toBe(LONGEST_INDEX_ENDING.length);
    expect(COLLECTION_LENGTH + LONGEST_INDEX_ENDING.length).toBe(POSTGRES_NAME_BYTES);
  });

  it("is the same in the settings and in the memory server", () => {
    expect(accepts({ collection: "c".repeat(COLLECTION_LENGTH) })).toBe(true);
    expect(accepts({ collection: "c".repeat(COLLECTION_LENGTH + 1) })).toBe(false);
    expect(server("settings.py")).toContain(
      `MAX_COLLECTION = ${POSTGRES_NAME_BYTES} - len("${LONGEST_INDEX_ENDING}")`,
    );
  });
});

it("a collection takes no name that the memory server has for tables of its own", () => {
  const own = [...server("schema.sql").matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)].map(
    ([, name = ""]) => name,
  );
  expect(own.length).toBeGreaterThan(2);
  for (const collection of own) expect(accepts({ collection })).toBe(false);
});

it("every name made of the longest name of a stack is one that PostgreSQL and Docker's DNS take whole", () => {
  const stack = "s".repeat(20);
  expect(STACK_NAME.test(stack)).toBe(true);
  expect(STACK_NAME.test(`${stack}s`)).toBe(false);
  const { container, volume, internalNetwork, database, databaseUser, metricsUser } = namesFor(stack);
  const made = [
    ...SERVICES.map(container),
    ...["postgres", "neo4j", "data", "prometheus", "grafana", "telegram_bot"].map(volume),
    ...[internalNetwork, databaseUser, metricsUser],
    // As a restore names what it puts beside the live database.
    ...[`${database}_user_restore`, `${database}_restore_20261124_023000`],
  ];
  expect(made.filter(({ length }) => length > POSTGRES_NAME_BYTES)).toEqual([]);
});

it.each(["", " ", "\u0000", "a\u001b[2Jb", "x".repeat(129)])("%j is no name of a user", (defaultUser) => {
  expect(accepts({ defaultUser })).toBe(false);
  expect(accepts({ defaultUser: "Jörg 😀" })).toBe(true);
});
