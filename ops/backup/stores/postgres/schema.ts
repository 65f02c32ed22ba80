import { readFileSync } from "node:fs";
import pg from "pg";

const { escapeIdentifier } = pg;

const FILE = new URL("../../../../services/server/memory_server/schema.sql", import.meta.url);

/** What the server makes of a stack's database, in the order in which a restore wants it. */
export interface Schema {
  /** The stack's own tables: `mem0_...`. */
  ownTables: string[];
  /** The collection, as upstream makes it. */
  collection: string;
  /** The similarity index, which takes longer than all the rest. */
  similarityIndex: string;
  /** All other indexes. */
  indexes: string[];
}

/**
 * The memory server's own statements: services/server/memory_server/schema.sql.
 *
 * @param dimensions undefined for a table of vectors of any
 */
export function schemaOf(collection: string, dimensions: number | undefined): Schema {
  const size = dimensions === undefined ? "" : `(${Math.trunc(dimensions)})`;
  const filled = statements().map((statement) =>
    statement
      .replace("({dimensions})", size)
      .replace(/\{collection(\w*)\}/g, (_, end: string) => escapeIdentifier(`${collection}${end}`)),
  );
  const [collections, ownTables] = split(
    filled.filter((statement) => statement.startsWith("CREATE TABLE")),
    (statement) => OWN_TABLE.test(statement),
  );
  const [indexes, similarity] = split(
    filled.filter((statement) => statement.startsWith("CREATE INDEX")),
    (statement) => statement.includes(" USING hnsw "),
  );
  const [table, index] = [collections[0], similarity[0]];
  if (table === undefined || index === undefined) throw new Error(`${FILE.pathname} makes no collection`);
  return { ownTables, collection: table, similarityIndex: index, indexes };
}

/** The columns of each of the stack's own tables. */
export function ownColumns(): Map<string, string[]> {
  return new Map(
    statements().flatMap((statement) => {
      const name = OWN_TABLE.exec(statement)?.[1];
      const columns = [...statement.matchAll(/^ {4}([a-z]\w*) /gm)].map(([, column = ""]) => column);
      return name === undefined ? [] : [[name, columns] as const];
    }),
  );
}

const OWN_TABLE = /^CREATE TABLE IF NOT EXISTS (mem0_\w+) /;

function statements(): string[] {
  const text = readFileSync(FILE, "utf8").replace(/^--.*\n/gm, "");
  return text
    .split(";\n")
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/** Those that are not, and those that are. */
function split<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  return [all.filter((one) => !is(one)), all.filter(is)];
}
