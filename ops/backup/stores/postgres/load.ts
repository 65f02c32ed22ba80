import { Readable } from "node:stream";
import pg from "pg";
import { Problem } from "../../../base/problem.ts";
import { execInContainer } from "../../../docker/command.ts";
import { psql, sql } from "../../../docker/psql.ts";
import type { Part } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { decompressed } from "../../format/streams.ts";
import { lookAtBackup } from "../store.ts";
import { asOwner, inPublic, type PostgresPlace } from "./databases.ts";
import { type DumpPiece, piecesOf } from "./dump-text.ts";
import { COLLECTION_COLUMNS, type DumpListing, strangeColumns } from "./listing.ts";
import { ownColumns } from "./schema.ts";
import { type ReadableDump, readText } from "./sql-text.ts";

const { escapeIdentifier, escapeLiteral } = pg;

/** May add rows to the tables that rows are taken for, and nothing else; gone when they are in. */
const LOADER = "mem0_loader";

/**
 * Puts the rows of a dump into the tables that are there for them.
 *
 * @param rows those of the collection, where they stand apart from the dump
 */
export async function loadRows(
  place: PostgresPlace,
  database: string,
  dump: ReadableDump,
  rows: OpenPart | undefined,
  listing: DumpListing,
): Promise<void> {
  const tables = [...ownColumns().keys(), ...listing.collections.keys()];
  await sql(place, database, `CREATE ROLE ${LOADER} LOGIN NOSUPERUSER NOINHERIT`);
  try {
    await sql(asOwner(place), database, `GRANT INSERT ON ${tables.map(inPublic).join(", ")} TO ${LOADER}`);
    const copyIn = (part: Part, statements: string[], input: () => Readable) =>
      copy({ ...place, role: LOADER }, database, part, statements, input);
    await readText(dump, async (source) => {
      for await (const piece of piecesOf(source)) {
        if (piece.kind !== "rows" || !isWanted(piece, tables)) continue;
        const input = () => Readable.from(piece.rows, { objectMode: false });
        await copyIn(dump.part, takeRows(piece.table.name, piece.columns), input);
      }
    });
    if (rows !== undefined && listing.collections.has(place.collection)) {
      const columns = COLLECTION_COLUMNS.join(", ");
      const statement = `COPY ${inPublic(place.collection)} (${columns}) FROM STDIN (FORMAT binary)`;
      await copyIn(rows.part, [statement], () => decompressed(rows));
    }
  } finally {
    await sql(place, database, `DROP OWNED BY ${LOADER}`, `DROP ROLE ${LOADER}`);
  }
  await goOnCounting(place, database, listing.sequences);
}

/** Lets the numbers of rows go on where those of the backup ended. */
export async function goOnCounting(
  place: PostgresPlace,
  database: string,
  sequences: DumpListing["sequences"],
): Promise<void> {
  for (const [name, { value, called }] of sequences) {
    const sequence = `to_regclass(${escapeLiteral(inPublic(name))})`;
    const goOn = `SELECT setval(${sequence}, ${value}, ${called}) WHERE ${sequence} IS NOT NULL`;
    await sql(asOwner(place), database, goOn);
  }
}

function isWanted({ table }: Extract<DumpPiece, { kind: "rows" }>, tables: readonly string[]): boolean {
  return (table.schema === undefined || table.schema === "public") && tables.includes(table.name);
}

/** Statements of which one reads rows, with columns that no stack has left out. */
function takeRows(table: string, columns: readonly string[]): string[] {
  const names = (list: readonly string[]) => list.map(escapeIdentifier).join(", ");
  const strange = strangeColumns(table, columns);
  if (strange.length === 0) return [`COPY ${inPublic(table)} (${names(columns)}) FROM STDIN`];
  const known = columns.filter((column) => !strange.includes(column));
  const types = `id uuid, vector public.vector, payload jsonb, ${strange.map((name) => `${escapeIdentifier(name)} text`).join(", ")}`;
  return [
    `CREATE TEMPORARY TABLE taken (${types})`,
    `COPY taken (${names(columns)}) FROM STDIN`,
    `INSERT INTO ${inPublic(table)} (${names(known)}) SELECT ${names(known)} FROM taken`,
  ];
}

/** @throws Problem with what Postgres said about the rows */
async function copy(
  { docker, container, role, stack }: PostgresPlace,
  database: string,
  part: Part,
  statements: string[],
  input: () => Readable,
): Promise<void> {
  const command = [...psql(database, role), ...statements.flatMap((statement) => ["-c", statement])];
  const ended = await execInContainer(docker, container, command, { input });
  if (ended.exitCode === 0) return;
  throw new Problem(`Postgres does not take the dump: ${firstLines(ended.stderr)}`, {
    where: part.file,
    mend: lookAtBackup(stack),
  });
}

function firstLines(text: string): string {
  return text.trim().split("\n").slice(0, 3).join(" ") || "no reason given";
}
