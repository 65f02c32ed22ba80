import pg from "pg";
import { reasonOf } from "../failure.ts";
import { KeptCount } from "../kept-count.ts";
import type { Timer } from "../own-metrics.ts";
import type { Page } from "../page.ts";
import { readSecret } from "../secret.ts";
import type { Settings } from "../settings.ts";
import { type Part, sideBySide } from "./part.ts";

/** For one query of a scrape, so that all of them together stay within the time of a part. */
const STATEMENT_MS = 1_000;

/** For a count that reads the whole table, in the background. */
const COUNT_MS = 60_000;

const CONNECT_MS = 2_000;

const SERVER = `
  SELECT current_setting('server_version') AS version, current_setting('max_connections')::int AS max_connections,
    extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
    (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector`;
const CONNECTIONS = `
  SELECT CASE WHEN state IN ('active', 'idle', 'idle in transaction') THEN state ELSE 'other' END AS state,
    count(*)::int AS connections
  FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1`;
const SIZE = "SELECT pg_database_size(current_database())::float8 AS bytes";
const IDENTITY = "SELECT instance_id, embedder, dimensions FROM mem0_identity";
const RELATIONS = `
  (SELECT relname AS table, NULL AS index, pg_table_size(oid)::float8 AS bytes FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY bytes DESC, relname LIMIT 20)
  UNION ALL
  (SELECT t.relname, i.relname, pg_relation_size(i.oid)::float8 AS bytes
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE i.relnamespace = 'public'::regnamespace ORDER BY bytes DESC, i.relname LIMIT 20)`;

const STATES = ["active", "idle", "idle in transaction", "other"];

/** PostgreSQL: is it there, is it ours, how full is it, and how many memories of how many users does it hold? */
export function postgresPart(settings: Settings, time: Timer): Part {
  const queries = poolOf(settings, STATEMENT_MS, 2);
  // A connection of their own, so that a long count does not hold up the queries.
  const counts = poolOf(settings, COUNT_MS, 1);
  const ask = async <Row extends object>(name: string, text: string, pool = queries): Promise<Row[]> =>
    (await time("postgres", name, () => pool.query<Row>(text))).rows;
  const count = (name: string, text: string) =>
    new KeptCount(async () => (await ask<{ count: number }>(name, text, counts))[0]?.count ?? Number.NaN);

  const table = pg.escapeIdentifier(settings.postgres.collection);
  const kept = {
    memories: count("count_memories", `SELECT count(*)::float8 AS count FROM ${table}`),
    users: count("count_users", distinctUsers(table)),
  };
  const showCount = async (page: Page, which: "memories" | "users") => {
    const { value, ageSeconds } = await kept[which].read();
    page.set(`mem0_${which}_total`, value);
    page.set("mem0_count_age_seconds", ageSeconds, { count: which });
  };

  return {
    name: "postgres",
    whenDown: (page) => {
      if (page.value("mem0_postgres_up") !== undefined) return;
      page.set("mem0_postgres_up", 0);
      for (const count of Object.values(kept)) count.forget();
    },
    collect: async (page, complain) => {
      showServer(page, await ask("server", SERVER));
      await sideBySide(
        complain,
        async () => showConnections(page, await ask("connections", CONNECTIONS)),
        async () => {
          for (const { bytes } of await ask<{ bytes: number }>("database_size", SIZE)) {
            page.set("mem0_database_size_bytes", bytes);
          }
        },
        async () => {
          for (const { table, index, bytes } of await ask<Relation>("relation_sizes", RELATIONS)) {
            if (index === null) page.set("mem0_database_table_size_bytes", bytes, { table });
            else page.set("mem0_database_index_size_bytes", bytes, { table, index });
          }
        },
        async () => {
          const found = await ask<Identity>("identity", IDENTITY).catch(ifMissing);
          page.set("mem0_identity_match", isOurs(found, settings.identity) ? 1 : 0, { store: "postgres" });
        },
        () => showCount(page, "memories"),
        () => showCount(page, "users"),
      );
    },
    close: async () => {
      await Promise.all([queries.end(), counts.end()]);
    },
  };
}

function poolOf({ postgres }: Settings, statementMs: number, max: number): pg.Pool {
  const { host, port, database, user, passwordFile } = postgres;
  const made = new pg.Pool({
    host,
    port,
    database,
    user,
    password: () => readSecret(passwordFile),
    max,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: statementMs,
    lock_timeout: Math.min(statementMs, STATEMENT_MS / 4),
    // For a server that hangs, and so does not end the statement itself.
    query_timeout: statementMs * 1.5,
    application_name: "mem0-exporter",
  });
  // An idle connection that breaks is replaced at the next scrape, which reports what is wrong.
  made.on("error", () => {});
  return made;
}

function showServer(
  page: Page,
  rows: { version: string; max_connections: number; started: number; pgvector: string | null }[],
): void {
  page.set("mem0_postgres_up", 1);
  for (const { version, max_connections, started, pgvector } of rows) {
    page.set("mem0_database_connections_max", max_connections);
    page.set("mem0_component_start_time_seconds", started, { component: "postgres" });
    page.set("mem0_component_info", 1, { component: "postgres", version: version.split(" ")[0] ?? version });
    if (pgvector !== null) page.set("mem0_component_info", 1, { component: "pgvector", version: pgvector });
  }
}

function showConnections(page: Page, rows: { state: string; connections: number }[]): void {
  page.set(
    "mem0_database_connections",
    rows.reduce((total, row) => total + row.connections, 0),
  );
  for (const state of STATES) {
    const row = rows.find((candidate) => candidate.state === state);
    page.set("mem0_database_connections_by_state", row?.connections ?? 0, { state });
  }
}

/** A table, or an index of it. */
type Relation = { table: string; index: string | null; bytes: number };

type Identity = { instance_id: string; embedder: string; dimensions: number };

/** A database without the table has no identity: it is empty, or another one. */
function ifMissing(error: unknown): Identity[] {
  if (reasonOf(error) === "missing") return [];
  throw error;
}

function isOurs([found]: Identity[], { instanceId, embedder, dimensions }: Settings["identity"]): boolean {
  return found?.instance_id === instanceId && found.embedder === embedder && found.dimensions === dimensions;
}

/**
 * Counts the users by going from one to the next in the index on the user id: one look-up for each user, however many
 * memories there are.
 */
function distinctUsers(table: string): string {
  const next = (after: string) =>
    `(SELECT payload->>'user_id' AS id FROM ${table} WHERE payload->>'user_id' ${after} ORDER BY 1 LIMIT 1)`;
  return `
    WITH RECURSIVE users AS (
      ${next("IS NOT NULL")}
      UNION ALL
      SELECT ${next("> users.id")} FROM users WHERE users.id IS NOT NULL)
    SELECT count(id)::float8 AS count FROM users`;
}
