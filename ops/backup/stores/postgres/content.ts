import pg from "pg";
import { sql } from "../../../docker/psql.ts";
import type { Identity } from "../../format/backup-manifest.ts";
import { asOwner, inPublic, type PostgresPlace } from "./databases.ts";

const { escapeLiteral } = pg;

/** What a database holds, as far as a backup's manifest tells it. */
export interface PostgresContent {
  memories: number;
  users: number;
  /** Of the vector column; undefined when there is no such table. */
  dimensions: number | undefined;
  /** Undefined when the database was never bound to a stack, as one of upstream's server. */
  identity: Identity | undefined;
  /** Whether the similarity index is there and valid. */
  indexed: boolean;
}

/** Looks at what a database holds, as the application's role: what is restored is never asked with more rights. */
export async function readContent(place: PostgresPlace, database: string): Promise<PostgresContent> {
  const ask = (...statements: string[]) => sql(asOwner(place), database, ...statements);
  const table = escapeLiteral(inPublic(place.collection));
  const dimensions = await ask(
    `SELECT a.atttypmod FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.oid = to_regclass(${table}) AND c.relkind = 'r' AND a.attname = 'vector'`,
  );
  if (dimensions === "") {
    return { memories: 0, users: 0, dimensions: undefined, identity: undefined, indexed: false };
  }
  const counted = await ask(
    `SELECT count(*), count(DISTINCT payload->>'user_id') FROM ${inPublic(place.collection)}`,
  );
  const [memories, users] = counted.split("|").map(Number);
  return {
    memories: memories ?? 0,
    users: users ?? 0,
    dimensions: Number(dimensions),
    identity: await readIdentityRow(place, database),
    indexed: await isSearchable(place, database),
  };
}

/** Whether the similarity index is there and valid, without a look at the rows. */
export async function isSearchable(place: PostgresPlace, database: string): Promise<boolean> {
  const hnsw =
    "SELECT bool_or(i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid " +
    "JOIN pg_am m ON m.oid = c.relam WHERE m.amname = 'hnsw' " +
    `AND i.indrelid = to_regclass(${escapeLiteral(inPublic(place.collection))})`;
  return (await sql(asOwner(place), database, hnsw)) === "t";
}

async function readIdentityRow(place: PostgresPlace, database: string): Promise<Identity | undefined> {
  const there = "SELECT to_regclass('public.mem0_identity') IS NOT NULL";
  if ((await sql(asOwner(place), database, there)) !== "t") return undefined;
  const row = await sql(
    asOwner(place),
    database,
    `SELECT json_build_object('instanceId', instance_id, 'embedder', embedder, 'dimensions', dimensions)
     FROM public.mem0_identity`,
  );
  return row === "" ? undefined : (JSON.parse(row) as Identity);
}

/** Binds a database to a stack, as the memory server does at a first start. */
export async function bindDatabase(
  place: PostgresPlace,
  database: string,
  { instanceId, embedder, dimensions }: Identity,
): Promise<void> {
  const values = [escapeLiteral(instanceId), escapeLiteral(embedder), String(dimensions)];
  await sql(
    asOwner(place),
    database,
    "INSERT INTO public.mem0_identity (instance_id, embedder, dimensions) " +
      `VALUES (${values.join(", ")}) ON CONFLICT (only_one) DO UPDATE SET ` +
      "instance_id = EXCLUDED.instance_id, embedder = EXCLUDED.embedder, dimensions = EXCLUDED.dimensions",
  );
}
