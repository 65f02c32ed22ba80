import type { Readable } from "node:stream";
import pg from "pg";
import { Problem } from "../../../base/problem.ts";
import { execInContainer } from "../../../docker/command.ts";
import { psql, sql } from "../../../docker/psql.ts";
import type { Identity, Part } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { decompressed, gunzipped, through } from "../../format/streams.ts";
import type { PostgresParts } from "../store.ts";
import { lookAtBackup } from "../store.ts";
import { dropDatabase, type PostgresPlace } from "./databases.ts";
import { withoutOwners } from "./plain-sql.ts";

const { escapeIdentifier, escapeLiteral } = pg;

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

/**
 * Restores a dump into a new database. The similarity index is built at the end, in one go and with as much memory as
 * the container can give, which takes half the time of building it within the default.
 *
 * @param searchable false leaves indexes out where the format allows it, for a database that is only read once
 * @throws Problem with what pg_restore or psql said; the database is then incomplete
 */
export async function restoreDatabase(
  place: PostgresPlace,
  dump: PostgresParts,
  database: string,
  { searchable = true }: { searchable?: boolean } = {},
): Promise<void> {
  const { docker, container, user } = place;
  await dropDatabase(place, database);
  await sql(
    place,
    "postgres",
    `CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(user)} TEMPLATE template0`,
  );
  // Made by the role, which thereby owns it, as at a stack's first start; the dump's own statement then does nothing.
  await sql(place, database, `SET ROLE ${escapeIdentifier(user)}`, "CREATE EXTENSION IF NOT EXISTS vector");
  const memory = await indexMemoryMb(place);
  // The superuser connects over the socket and becomes the role, so that everything belongs to it.
  const options = { role: user, maintenance_work_mem: `${memory}MB`, synchronous_commit: "off" };
  const env = {
    PGOPTIONS: Object.entries(options)
      .map(([key, value]) => `-c ${key}=${value}`)
      .join(" "),
  };
  for (const { part, command, input } of steps(dump, place.collection, database, searchable)) {
    const ended = await execInContainer(docker, container, command, { input, env });
    if (ended.exitCode !== 0) {
      throw new Problem(`Postgres does not take the dump: ${firstLines(ended.stderr)}`, {
        where: part.file,
        mend: lookAtBackup(place.stack),
      });
    }
  }
  await sql(place, database, "ANALYZE", "CHECKPOINT");
}

/** Looks at what a database holds. */
export async function readContent(place: PostgresPlace, database: string): Promise<PostgresContent> {
  const table = escapeLiteral(`"${place.collection}"`);
  const dimensions = await sql(
    place,
    database,
    `SELECT a.atttypmod FROM pg_attribute a WHERE a.attrelid = to_regclass(${table}) AND a.attname = 'vector'`,
  );
  if (dimensions === "") {
    return { memories: 0, users: 0, dimensions: undefined, identity: undefined, indexed: false };
  }
  const counted = `SELECT count(*), count(DISTINCT payload->>'user_id') FROM ${escapeIdentifier(place.collection)}`;
  const [memories, users] = (await sql(place, database, counted)).split("|").map(Number);
  const hnsw =
    "SELECT bool_or(i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid " +
    `JOIN pg_am m ON m.oid = c.relam WHERE m.amname = 'hnsw' AND i.indrelid = to_regclass(${table})`;
  return {
    memories: memories ?? 0,
    users: users ?? 0,
    dimensions: Number(dimensions),
    identity: await readIdentityRow(place, database),
    indexed: (await sql(place, database, hnsw)) === "t",
  };
}

async function readIdentityRow(place: PostgresPlace, database: string): Promise<Identity | undefined> {
  if ((await sql(place, database, "SELECT to_regclass('mem0_identity') IS NOT NULL")) !== "t")
    return undefined;
  const row = await sql(place, database, "SELECT instance_id, embedder, dimensions FROM mem0_identity");
  const [instanceId, embedder, dimensions] = row.split("|");
  return instanceId === undefined || embedder === undefined
    ? undefined
    : { instanceId, embedder, dimensions: Number(dimensions) };
}

/**
 * Binds a database to a stack, as the memory server does at a first start: the tables that it lacks are taken from the
 * stack's own database, where that server made them.
 */
export async function bindDatabase(
  place: PostgresPlace,
  database: string,
  model: string,
  identity: Identity,
): Promise<void> {
  const exists = await sql(place, database, "SELECT to_regclass('mem0_identity') IS NOT NULL");
  if (exists !== "t") {
    const copy = `pg_dump -U postgres -d "$1" --schema-only --no-owner --no-privileges -t 'mem0_*' |
      PGOPTIONS="-c role=$3" psql -Xq -v ON_ERROR_STOP=1 -U postgres -d "$2"`;
    const ended = await execInContainer(place.docker, place.container, [
      ...["bash", "-o", "pipefail", "-c", copy, "bind"],
      ...[model, database, place.user],
    ]);
    if (ended.exitCode !== 0)
      throw new Problem(`Postgres: ${ended.stderr.trim()}`, { where: place.container });
  }
  const values = [
    escapeLiteral(identity.instanceId),
    escapeLiteral(identity.embedder),
    String(identity.dimensions),
  ];
  await sql(
    place,
    database,
    "INSERT INTO mem0_identity (instance_id, embedder, dimensions) " +
      `VALUES (${values.join(", ")}) ON CONFLICT (only_one) DO UPDATE SET ` +
      "instance_id = EXCLUDED.instance_id, embedder = EXCLUDED.embedder, dimensions = EXCLUDED.dimensions",
  );
}

interface Step {
  part: Part;
  /** Reads its standard input. */
  command: string[];
  input: () => Readable;
}

/** What is run one after the other, so that tables come before their rows, and indexes after them. */
function steps(dump: PostgresParts, collection: string, database: string, searchable: boolean): Step[] {
  const { part, rows } = dump;
  switch (part.format) {
    case "pg-custom": {
      const restore = [
        "pg_restore",
        "-U",
        "postgres",
        "-d",
        database,
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
      ];
      const read = (...sections: string[]): Step => ({
        part,
        command: [...restore, ...sections.map((section) => `--section=${section}`)],
        input: dump.open,
      });
      if (rows === undefined) return [searchable ? read() : read("pre-data", "data")];
      const copy: Step = {
        part: rows.part,
        command: [
          ...psql(database),
          "-c",
          `COPY public.${escapeIdentifier(collection)} FROM STDIN (FORMAT binary)`,
        ],
        input: () => decompressed(rows),
      };
      return [read("pre-data", "data"), copy, ...(searchable ? [read("post-data")] : [])];
    }
    case "sql":
    case "sql-gzip":
      return [{ part, command: psql(database), input: () => through(plainSql(dump), withoutOwners()) }];
    default:
      throw new Error(`${part.file}: a dump of Postgres cannot have the format ${part.format}`);
  }
}

/** The text of a dump in SQL. */
export function plainSql(dump: OpenPart): Readable {
  return dump.part.format === "sql-gzip" ? gunzipped(dump.part, dump.open) : dump.open();
}

/** Memory for building the index: a good part of what the container may use beside its shared buffers. */
async function indexMemoryMb({ docker, container }: PostgresPlace): Promise<number> {
  const { HostConfig } = await docker.getContainer(container).inspect();
  const limitMb = (HostConfig.Memory ?? 0) / 1024 / 1024;
  return limitMb === 0 ? 512 : Math.max(64, Math.floor(limitMb / 2));
}

function firstLines(text: string): string {
  return text.trim().split("\n").slice(0, 3).join(" ") || "no reason given";
}
