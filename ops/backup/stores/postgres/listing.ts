import type { Readable } from "node:stream";
import { piecesOf, type TableName, unquoted } from "./dump-text.ts";
import { ownColumns } from "./schema.ts";

/** What a dump in SQL holds, as far as a restore has to know it before it takes anything. */
export interface DumpListing {
  /** Dimensions of the vectors of each table of memories; undefined where none are told. */
  collections: Map<string, number | undefined>;
  /** Where the numbers of `mem0_intents` go on. */
  sequences: Map<string, Sequence>;
  /** What neither a stack nor the old guide's deployments have, as people are told it. */
  unknown: string[];
  /** Whether it ends as pg_dump ends one: one that was cut off before it was compressed does not. */
  whole: boolean;
}

export interface Sequence {
  value: string;
  called: boolean;
}

/** Tables of the same shape as the collection: upstream's other collections, and the one that it makes for itself. */
const COLLECTIONS = /^(?:memories\w*|mem0migrations)$/;

/** The columns of each of them. */
export const COLLECTION_COLUMNS = ["id", "vector", "payload"] as const;

const EXTENSIONS = ["vector", "plpgsql"];

/** Columns of a known table that no stack's has. */
export function strangeColumns(table: string, columns: readonly string[]): string[] {
  const own = ownColumns().get(table) ?? COLLECTION_COLUMNS;
  return columns.filter((column) => !(own as readonly string[]).includes(column));
}

/** Whether a table is one of memories: the stack's own collection, or one that an old deployment has beside it. */
export function isCollection(name: string, collection: string): boolean {
  return name === collection || COLLECTIONS.test(name);
}

/**
 * Reads a dump in SQL to its end without running anything of it.
 *
 * @param collection the table of memories that is wanted
 */
export async function listDump(source: Readable, collection: string): Promise<DumpListing> {
  const listing: DumpListing = { collections: new Map(), sequences: new Map(), unknown: [], whole: false };
  const reader = new Lister(listing, collection);
  for await (const piece of piecesOf(source)) {
    if (piece.kind === "rows") reader.rows(piece.table, piece.columns);
    else reader.line(piece.text);
  }
  listing.unknown = reader.unknown;
  return listing;
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[a-z_][\w$]*)`;

/** What is made, and its name: pg_dump writes keywords in capitals and names not. */
const CREATE = new RegExp(String.raw`^CREATE ((?:[A-Z]+ )+)(?:(${NAME})\.)?(${NAME})(\([^)]*\))?`);

/** Statements that pg_dump does not write outside of what they would be named with. */
const STRANGE =
  /^(?:create|do|insert|update|delete|merge|truncate|call|execute|prepare|load|copy|select|with|begin|start|commit|reset|import|security|alter\s+(?:role|user|system|event)|set\s+(?:local\s+|session\s+)?(?:role|session\s+authorization))\b/i;

const OWN_SELECT = /^SELECT pg_catalog\.set_config\('search_path', '[^']*', false\);$/;

const SETVAL = new RegExp(
  String.raw`^SELECT pg_catalog\.setval\('(?:public\.)?(${NAME})', (\d{1,18}), (true|false)\);$`,
);

/** pg_dump's own commands of psql, which keep others from being run (PostgreSQL 17.6). */
const RESTRICT = /^\\(?:un)?restrict \w+$/;

const VECTOR_COLUMN = /(?:^|[ (])vector (?:\w+\.)?vector\((\d{1,5})\)/;

/** How much of a strange statement is told. */
const TOLD = 60;

/** More than any dump has of what is remembered of one: a line of a few bytes makes an entry, and a bomb has millions. */
const MOST = 1_000;

class Lister {
  readonly #listing: DumpListing;
  readonly #collection: string;
  readonly #own = ownColumns();
  readonly #unknowns = new Set<string>();
  /** The table whose columns are being told. */
  #table: string | undefined;
  /** In something unknown of several lines, which is told by its name alone. */
  #inUnknown = false;

  constructor(listing: DumpListing, collection: string) {
    this.#listing = listing;
    this.#collection = collection;
  }

  get unknown(): string[] {
    return [...this.#unknowns];
  }

  rows(table: TableName, columns: readonly string[]): void {
    if (!this.#isKnown(table)) {
      this.#unknown(`table ${shown(table)}`);
      return;
    }
    const strange = strangeColumns(table.name, columns);
    if (strange.length > 0) this.#unknown(`columns of ${table.name}: ${strange.join(", ")}`);
    if (!this.#own.has(table.name) && !this.#listing.collections.has(table.name)) this.#collect(table.name);
  }

  line(text: string): void {
    if (text === "" || text.startsWith("--")) {
      this.#inUnknown = false;
      this.#table = undefined;
      if (text.startsWith("-- PostgreSQL database dump complete")) this.#listing.whole = true;
      return;
    }
    if (this.#table !== undefined) {
      this.#column(this.#table, text);
      return;
    }
    const setval = SETVAL.exec(text);
    if (setval !== null) {
      const [, name = "", value = "", called] = setval;
      const { sequences } = this.#listing;
      if (sequences.size < MOST) sequences.set(unquoted(name), { value, called: called === "true" });
      return;
    }
    if (text.startsWith("\\")) {
      if (!RESTRICT.test(text)) this.#unknown(`psql's command ${text.slice(0, TOLD)}`);
      return;
    }
    const create = CREATE.exec(text);
    if (create !== null) {
      this.#create(text, create);
      return;
    }
    if (this.#inUnknown || !STRANGE.test(text) || OWN_SELECT.test(text)) return;
    this.#unknown(`the statement ${text.slice(0, TOLD)}`);
    this.#inUnknown = !text.endsWith(";");
  }

  #create(text: string, [, words = "", schema, name = "", types = ""]: RegExpExecArray): void {
    const kind = words
      .replace(/^OR REPLACE /, "")
      .replace(/ (?:IF NOT EXISTS|CONCURRENTLY) $/, " ")
      .trim();
    const table = { schema: schema === undefined ? undefined : unquoted(schema), name: unquoted(name) };
    if (/^(?:UNLOGGED )?TABLE$/.test(kind) && this.#isKnown(table)) {
      if (!isCollection(table.name, this.#collection)) return;
      this.#collect(table.name);
      this.#column(table.name, text);
      return;
    }
    const isKnown =
      (kind === "EXTENSION" && EXTENSIONS.includes(table.name)) ||
      (kind === "SCHEMA" && table.name === "public") ||
      (kind === "SEQUENCE" && [...this.#own.keys()].some((own) => table.name.startsWith(own))) ||
      /^(?:UNIQUE )?INDEX$/.test(kind);
    if (isKnown) return;
    this.#unknown(`${kind.toLowerCase()} ${shown(table)}${types}`);
    this.#inUnknown = !text.endsWith(";");
  }

  #column(table: string, text: string): void {
    const vector = VECTOR_COLUMN.exec(text);
    if (vector !== null) this.#collect(table, Number(vector[1]));
    this.#table = text.endsWith(";") ? undefined : table;
  }

  #isKnown({ schema, name }: TableName): boolean {
    if (schema !== undefined && schema !== "public") return false;
    return isCollection(name, this.#collection) || this.#own.has(name);
  }

  #collect(table: string, dimensions?: number): void {
    const { collections } = this.#listing;
    if (collections.size < MOST || collections.has(table)) collections.set(table, dimensions);
    else this.#unknown(`more than ${MOST} tables of memories`);
  }

  #unknown(what: string): void {
    if (this.#unknowns.size < MOST) this.#unknowns.add(what);
  }
}

function shown({ schema, name }: TableName): string {
  return schema === undefined || schema === "public" ? name : `${schema}.${name}`;
}
