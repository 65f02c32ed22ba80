import pg from "pg";
import { type PostgresContainer, sql } from "../../../docker/psql.ts";

const { escapeIdentifier, escapeLiteral } = pg;

/** A running Postgres container of a stack, or a throw-away one of the same image. */
export interface PostgresPlace extends PostgresContainer {
  stack: string;
  /** The application's role: it owns what is restored. */
  user: string;
  collection: string;
}

/** The same place, entered as the application's role: nothing that is restored is asked with more rights. */
export function asOwner(place: PostgresPlace): PostgresPlace {
  return { ...place, role: place.user };
}

/** Makes an empty database of the role's own, in the place of one that is there. */
export async function createDatabase(place: PostgresPlace, database: string): Promise<void> {
  await dropDatabase(place, database);
  const owner = escapeIdentifier(place.user);
  await sql(
    place,
    "postgres",
    `CREATE DATABASE ${escapeIdentifier(database)} OWNER ${owner} TEMPLATE template0`,
  );
  // Made by the role, which thereby owns it, as at a stack's first start.
  await sql(asOwner(place), database, "CREATE EXTENSION IF NOT EXISTS vector");
}

/** A table by its whole name, whatever a session looks through. */
export function inPublic(table: string): string {
  return `public.${escapeIdentifier(table)}`;
}

/** Removes a database and whoever is connected to it; nothing when it is not there. */
export async function dropDatabase(place: PostgresPlace, database: string): Promise<void> {
  await sql(place, "postgres", `DROP DATABASE IF EXISTS ${escapeIdentifier(database)} WITH (FORCE)`);
}

/** Names of the databases of a server. */
export async function databases(place: PostgresContainer): Promise<string[]> {
  return (await sql(place, "postgres", "SELECT datname FROM pg_database ORDER BY 1")).split("\n");
}

/**
 * Takes the place of the live database in one transaction: either both are renamed or none. Harmless when repeated.
 *
 * @param from takes the name `live`
 * @param aside the name that the live database gets
 */
export async function swapDatabases(
  place: PostgresPlace,
  { live, from, aside }: { live: string; from: string; aside: string },
): Promise<void> {
  const there = await databases(place);
  if (!there.includes(from)) return allowConnections(place);
  const moved = there.includes(live) ? [live, from] : [from];
  // Nobody may connect between the end of the others and the renaming: an exporter asks every few seconds.
  await sql(
    place,
    "postgres",
    ...moved.map((name) => `ALTER DATABASE ${escapeIdentifier(name)} ALLOW_CONNECTIONS false`),
  );
  const names = moved.map((name) => escapeLiteral(name)).join(", ");
  await sql(
    place,
    "postgres",
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname IN (${names})`,
    "BEGIN",
    ...(there.includes(live)
      ? [`ALTER DATABASE ${escapeIdentifier(live)} RENAME TO ${escapeIdentifier(aside)}`]
      : []),
    `ALTER DATABASE ${escapeIdentifier(from)} RENAME TO ${escapeIdentifier(live)}`,
    "COMMIT",
  );
  await allowConnections(place);
}

/** Lets everybody in again, also after a swap that was killed half-way. */
export async function allowConnections(place: PostgresPlace): Promise<void> {
  const closed = await sql(
    place,
    "postgres",
    "SELECT datname FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'",
  );
  for (const name of closed.split("\n").filter(Boolean)) {
    await sql(place, "postgres", `ALTER DATABASE ${escapeIdentifier(name)} ALLOW_CONNECTIONS true`);
  }
}
