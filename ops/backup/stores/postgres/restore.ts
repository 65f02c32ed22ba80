import { Problem } from "../../../base/problem.ts";
import { sql } from "../../../docker/psql.ts";
import type { PostgresParts } from "../store.ts";
import { asOwner, createDatabase, inPublic, type PostgresPlace } from "./databases.ts";
import { type DumpListing, listDump } from "./listing.ts";
import { loadRows } from "./load.ts";
import { schemaOf } from "./schema.ts";
import { type ReadableDump, readText, sqlText } from "./sql-text.ts";
import { type ThrowawayPostgres, throwawayMemory } from "./throwaway.ts";

export interface DumpOptions {
  /** False leaves indexes out, for a database that is only read once. */
  searchable?: boolean;
  /** Goes on without what neither a stack nor the old guide's deployments have. */
  leaveOutUnknown?: boolean;
  /** Told what is left out. */
  report?: (line: string) => void;
}

/** What a restored database has beside the stack's own tables, and where its numbers go on. */
export type Restored = Pick<DumpListing, "collections" | "sequences">;

/**
 * Restores a dump into a new database of a throw-away server. Nothing of the dump is ever run: the tables are made by the
 * memory server's own statements, and of the dump only rows of known tables are taken, by a role that may add rows and
 * nothing else. Indexes are built at the end, in one go and with all the memory that there is.
 *
 * @throws Problem when the dump holds what no stack has, or Postgres does not take its rows; the database is incomplete
 */
export async function restoreDatabase(
  place: ThrowawayPostgres,
  dump: PostgresParts,
  database: string,
  { searchable = true, leaveOutUnknown = false, report = () => {} }: DumpOptions = {},
): Promise<Restored> {
  const readable: ReadableDump = { part: dump.part, text: sqlText(place, dump), stack: place.stack };
  const listing = await readText(readable, (source) => listDump(source, place.collection));
  if (listing.unknown.length > 0) {
    if (!leaveOutUnknown) throw unknownThings(readable, listing.unknown);
    report(`left out: ${named(listing.unknown)}`);
  }
  if (!listing.whole) report(`${dump.part.file} does not end as a dump does: rows may be missing`);
  await createDatabase(place, database);
  await makeTables(place, database, listing.collections);
  await loadRows(place, database, readable, dump.rows, listing);
  if (searchable && listing.collections.has(place.collection)) await makeSearchable(place, database);
  return listing;
}

/** Makes the tables of a stack, and those of other memories that there are beside them. */
export async function makeTables(
  place: PostgresPlace,
  database: string,
  collections: Restored["collections"],
): Promise<void> {
  const tables = [...collections].map(([name, dimensions]) => schemaOf(name, dimensions).collection);
  const { ownTables } = schemaOf(place.collection, undefined);
  await sql(asOwner(place), database, ...ownTables, ...tables);
}

/** Makes the indexes in a throw-away server, with all the memory that it has. */
export async function makeSearchable(place: ThrowawayPostgres, database: string): Promise<void> {
  await makeIndexes(place, database, throwawayMemory(place.deployed.memoryBytes).index);
}

/**
 * Makes the indexes of a stack.
 *
 * @param memoryMb for building the similarity index; the server's own setting when left out
 */
export async function makeIndexes(place: PostgresPlace, database: string, memoryMb?: number): Promise<void> {
  const { indexes, similarityIndex } = schemaOf(place.collection, undefined);
  const memory = memoryMb === undefined ? [] : [`SET maintenance_work_mem = '${memoryMb}MB'`];
  const analyze = `ANALYZE ${inPublic(place.collection)}`;
  await sql(asOwner(place), database, ...indexes, ...memory, similarityIndex, analyze);
}

function unknownThings({ part, stack }: ReadableDump, unknown: string[]): Problem {
  return new Problem(`the dump holds what no stack has: ${named(unknown)}`, {
    where: part.file,
    mend: `the same command with --leave-out-unknown takes the memories without it; another backup: ./mem0 backups ${stack}`,
  });
}

/** How many are told by their names. */
const NAMED = 12;

function named(things: readonly string[]): string {
  const more = things.length - NAMED;
  return `${things.slice(0, NAMED).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
