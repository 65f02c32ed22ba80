import { createZstdCompress } from "node:zlib";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { Manifest } from "../../../../config/manifest.ts";
import { streamFromExec } from "../../../docker/command.ts";
import type { PartSink } from "../../format/part.ts";
import { QUICKEST, waitForAll } from "../../format/streams.ts";
import { type Cut, type Found, NO_IDENTITY, type PostgresSnapshot } from "../cut.ts";
import type { DumpedStore } from "../store.ts";

/** Fixes the moment; takes a few milliseconds, whatever the size. */
export async function openSnapshot(client: pg.Client): Promise<PostgresSnapshot> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const { rows } = await client.query<{ name: string }>("SELECT pg_export_snapshot() AS name");
  return { name: rows[0]?.name ?? "", client };
}

/** Compression of the custom format: the lowest level of zstd is the quickest, and smaller than gzip on vectors. */
const ZSTD = "zstd:1";

export const postgresDump: DumpedStore = {
  source: "postgres",
  async dump(cut, sink) {
    const { stack, snapshot, id } = cut;
    const { docker, manifest } = stack;
    const container = stack.container("postgres");
    const program = (...command: string[]) => streamFromExec(docker, container, command);
    const plain = manifest.backup?.format === "plain";
    const table = pg.escapeIdentifier(manifest.database.collection);
    const apart = !plain && (await hasTable(snapshot.client, table));
    const dump = async () => {
      await sink.write({
        source: "postgres",
        name: "mem0",
        fileName: `mem0_${id}.${plain ? "sql.gz" : "dump"}`,
        format: plain ? "sql-gzip" : "pg-custom",
        produce: () =>
          program(
            ...["pg_dump", "-U", "postgres", "-d", manifest.database.name, `--snapshot=${snapshot.name}`],
            ...(plain ? ["--format=plain", "--compress=gzip:1"] : ["--format=custom", `--compress=${ZSTD}`]),
            ...(apart ? [`--exclude-table-data=public.${table}`] : []),
          ),
      });
      // Roles and settings of the whole server; the passwords are in their files, and set at every start.
      await sink.write({
        source: "postgres",
        name: "globals",
        fileName: `globals_${id}.sql`,
        format: "sql",
        produce: () => program("pg_dumpall", "-U", "postgres", "--globals-only", "--no-role-passwords"),
      });
    };
    const rows = async () => {
      if (apart) await writeRows(cut, sink, table);
      await readCounts(cut.found, manifest, snapshot.client);
    };
    await waitForAll([dump(), rows()]);
  },
};

/**
 * The memories' rows in a part of their own, in binary: an embedding is four bytes a number there, and as text more than
 * ten, which take most of a dump's time to write and, later, to read.
 */
async function writeRows({ id, snapshot }: Cut, sink: PartSink, table: string): Promise<void> {
  await sink.write({
    source: "postgres",
    name: "memories",
    fileName: `memories_${id}.copy.zst`,
    format: "pg-copy-zstd",
    produce: () => ({
      stream: snapshot.client.query(copyTo(`COPY public.${table} TO STDOUT (FORMAT binary)`)),
      through: [createZstdCompress(QUICKEST)],
      done: Promise.resolve(),
    }),
  });
}

async function hasTable(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    `public.${table}`,
  ]);
  return rows[0]?.there === true;
}

/** Counts and identity, in the snapshot: exactly what the dump holds. */
async function readCounts(found: Found, { database }: Manifest, client: pg.Client): Promise<void> {
  const one = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await client.query<Row>(text, values)).rows[0];
  const versions = await one<{ postgres: string; pgvector: string | null }>(
    `SELECT current_setting('server_version') AS postgres,
      (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector`,
  );
  found.versions.postgres = versions?.postgres.split(" ")[0] ?? "";
  found.versions.pgvector = versions?.pgvector ?? "";
  const there = await one<{ memories: boolean; identity: boolean }>(
    "SELECT to_regclass($1) IS NOT NULL AS memories, to_regclass('mem0_identity') IS NOT NULL AS identity",
    [pg.escapeIdentifier(database.collection)],
  );
  const counted =
    there?.memories === true
      ? await one<{ memories: string; users: string }>(
          `SELECT count(*) AS memories, count(DISTINCT payload->>'user_id') AS users
           FROM ${pg.escapeIdentifier(database.collection)}`,
        )
      : undefined;
  found.counts.memories = Number(counted?.memories ?? 0);
  found.counts.users = Number(counted?.users ?? 0);
  const identity =
    there?.identity === true
      ? await one<{ instance_id: string; embedder: string; dimensions: number }>(
          "SELECT instance_id, embedder, dimensions FROM mem0_identity",
        )
      : undefined;
  found.identities.postgres =
    identity === undefined
      ? NO_IDENTITY
      : {
          instanceId: identity.instance_id,
          embedder: identity.embedder,
          dimensions: identity.dimensions,
        };
}
