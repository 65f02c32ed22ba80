import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { execa } from "execa";
import type { PartFormat } from "../ops/backup/format/backup-manifest.ts";
import type { OpenPart } from "../ops/backup/format/part.ts";
import { QUICKEST } from "../ops/backup/format/streams.ts";
import { RESERVE_BYTES } from "../ops/backup/restore/room.ts";
import type { PostgresPlace } from "../ops/backup/stores/postgres/databases.ts";
import { restoreDatabase } from "../ops/backup/stores/postgres/restore.ts";
import { layBeside, onFiles } from "../ops/backup/stores/postgres/restore-files.ts";
import { startThrowawayPostgres } from "../ops/backup/stores/postgres/throwaway.ts";
import { connectDocker } from "../ops/docker/client.ts";
import { streamFromExec } from "../ops/docker/command.ts";
import { psql, sql } from "../ops/docker/psql.ts";
import { Throwaway } from "../ops/docker/throwaway.ts";
import type { DeployedService } from "../ops/stack/deployed-service.ts";
import { readMachine } from "../ops/stack/machine-file.ts";
import { table } from "../scripts/cli/table.ts";
import { testEnvironment } from "../test/runner/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { giveManifest, SETTINGS, startOnCopy, takeCopy } from "./restore/physical-copy.ts";

/**
 * From a backup of Postgres to a database that answers a search by its index, in four ways and beside the old operations
 * guide's, on the same data and while somebody writes: `./mem0 bench restore [memories] [dimensions] [memory in MB]` on a
 * machine that is set up, whose images `./mem0 up` has built. The guide's server ran with PostgreSQL's own defaults: its
 * session gets them, and restores into a server that runs. For ours, making a throw-away server, laying its files beside
 * and starting a server on them counts.
 */
const MEMORIES = Number(process.argv[2] ?? 20_000);
const DIMENSIONS = Number(process.argv[3] ?? 1536);

/** Memories that are made between a copy of all files and one of the changes: a busy hour of a person. */
const CHANGES = 300;

/** The writer's own tables are none that a stack has. */
const WRITERS = { leaveOutUnknown: true };

const GOALS = { dump: 2, files: 10 };

/** What the deployed stack gives Postgres (config/schema.ts by default, more in Pulumi.prd.yaml; components/postgres.ts). */
const MEMORY_MB = Number(process.argv[4] ?? 1024);
const DEPLOYED = ["shared_buffers", "maintenance_work_mem"].map((name) => `${name}=${MEMORY_MB / 4}MB`);

const { host } = readMachine(CHECKOUT).docker;
const docker = connectDocker(host);
const throwaway = await Throwaway.open(docker, { stack: "bench", homeId: "bench" }, "restore");
const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bench-"));
const names = { user: "mem0_user", collection: "memories" };
const deployed: DeployedService = {
  container: "",
  isRunning: false,
  image: testEnvironment().MEM0_IMAGE_POSTGRES ?? "",
  user: "10001:10001",
  memoryBytes: MEMORY_MB * 1024 * 1024,
  shmBytes: 256 * 1024 * 1024,
  graceSeconds: 120,
  command: [...DEPLOYED, ...SETTINGS].flatMap((setting) => ["-c", setting]),
  env: {},
  store: "",
};

/** One way to back up and restore. */
interface Way {
  name: string;
  /** @returns the files it made */
  backUp: () => Promise<string[]>;
  /** @returns the server and the database that can be searched then */
  restore: () => Promise<{ place: PostgresPlace; database: string; rows?: number }>;
  /** Comes before it is backed up. */
  before?: () => Promise<unknown>;
}

try {
  const source = await startThrowawayPostgres(docker, throwaway, deployed, names, {
    database: "source",
    volume: await throwaway.volume("source"),
  });
  console.error(`making ${MEMORIES} memories of ${DIMENSIONS} dimensions ...`);
  await fill(source);
  const rows: string[][] = [];
  let guide = 0;
  for (const { name, backUp, restore, before } of waysFrom(source)) {
    await before?.();
    console.error(`${name}: backing up ...`);
    const writer = startWriter(source);
    let files: string[] = [];
    const backedUp = await timed(async () => {
      files = await backUp();
    });
    const longest = await writer.stop();
    console.error(`${name}: restoring ...`);
    let restored: Awaited<ReturnType<Way["restore"]>> | undefined;
    const searchable = await timed(async () => {
      restored = await restore();
      await searchByIndex(restored.place, restored.database);
    });
    if (restored === undefined) throw new Error("not restored");
    const memories = Number(await sql(restored.place, restored.database, "SELECT count(*) FROM memories"));
    if (restored.rows === undefined ? memories < MEMORIES : memories !== restored.rows)
      throw new Error(`${name}: ${memories} memories, ${restored.rows ?? MEMORIES} were wanted`);
    if (rows.length === 0) guide = searchable;
    const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
    const seconds = [backedUp, longest, searchable].map((value) => value.toFixed(value < 1 ? 2 : 1));
    rows.push([name, ...seconds, (guide / searchable).toFixed(1), megabytes.toFixed(0)]);
  }
  const head = [
    "way",
    "backup, s",
    "longest write meanwhile, s",
    "restore to searchable, s",
    "times faster",
    "MB",
  ];
  console.log(table(head, rows));
  console.log(`goals: a dump >= ${GOALS.dump} times faster, files >= ${GOALS.files} times`);
} finally {
  await throwaway.remove();
  rmSync(directory, { recursive: true, force: true });
}

/** As ops/backup/stores/postgres/dump.ts writes them, whose driver gets no port of a throw-away server. */
async function copyRows({ container }: PostgresPlace, file: string): Promise<void> {
  const copy = "COPY public.memories TO STDOUT (FORMAT binary)";
  const { stream, done } = await streamFromExec(docker, container, [...psql("source"), "-c", copy]);
  await Promise.all([pipeline(stream, createZstdCompress(QUICKEST), createWriteStream(file)), done]);
}

function waysFrom(source: PostgresPlace): Way[] {
  const plain = path.join(directory, "guide.sql.gz");
  const custom = path.join(directory, "ours.dump");
  const binary = path.join(directory, "ours.copy.zst");
  const dump = `docker exec ${source.container} pg_dump -U postgres -d source`;
  const copies: Record<string, Awaited<ReturnType<typeof takeCopy>>> = {};
  const copied = async (id: string, of: "all" | "changes") => {
    const copy = await takeCopy(source, "source", directory, { id, of });
    copies[id] = copy;
    return copy.paths;
  };
  const started = async (id: string, full?: string) => {
    const copy = required(copies[id]);
    const given = full === undefined ? { copy } : { copy, full: required(copies[full]) };
    const place = await startOnCopy(docker, throwaway, deployed, { ...names, database: "source" }, given);
    return { place, database: "source", rows: copy.rows };
  };
  return [
    {
      name: "guide: pg_dump | gzip, gunzip | psql",
      backUp: async () => {
        await shell(`${dump} | gzip > ${plain}`);
        return [plain];
      },
      restore: async () => {
        await sql(source, "postgres", "CREATE DATABASE guide OWNER mem0_user");
        const psql = `docker exec -i -e PGOPTIONS='-c maintenance_work_mem=64MB' ${source.container} psql -q -U postgres`;
        await shell(`gunzip < ${plain} | ${psql} -d guide`);
        return { place: source, database: "guide" };
      },
    },
    {
      name: "dump: ./mem0 backup, ./mem0 restore",
      before: () => sql(source, "postgres", "DROP DATABASE guide"),
      backUp: async () => {
        const apart = "--exclude-table-data=public.memories";
        await Promise.all([
          shell(`${dump} --format=custom --compress=zstd:1 ${apart} > ${custom}`),
          copyRows(source, binary),
        ]);
        return [custom, binary];
      },
      restore: async () => {
        const open = (name: string, file: string, format: PartFormat): OpenPart => ({
          part: { source: "postgres", name, file, format, bytes: statSync(file).size, seconds: 0 },
          open: () => createReadStream(file),
        });
        const rows = open("memories", binary, "pg-copy-zstd");
        const [name, database] = ["ours", "source"];
        const built = await startThrowawayPostgres(docker, throwaway, deployed, names, { name, database });
        await restoreDatabase(built, { ...open("mem0", custom, "pg-custom"), rows }, database, WRITERS);
        const store = await throwaway.volume("live");
        const live = { ...deployed, store };
        // Docker gives a new volume what the image has at its place, and with it its owner.
        await onFiles(throwaway, deployed, store, "cat >/dev/null", rows);
        await layBeside(built, live, "pgdata", RESERVE_BYTES);
        const on = { name: "live", volume: store, database };
        return { place: await startThrowawayPostgres(docker, throwaway, live, names, on), database };
      },
    },
    {
      name: "files: all, and the log",
      backUp: () => copied("full", "all"),
      restore: () => started("full"),
    },
    {
      name: `files: changes by ${CHANGES} new memories`,
      before: async () => {
        await giveManifest(source, required(copies.full));
        await sql(source, "source", insert(CHANGES));
      },
      backUp: () => copied("changed", "changes"),
      restore: () => started("changed", "full"),
    },
  ];
}

async function fill(place: PostgresPlace): Promise<void> {
  await sql(
    place,
    "source",
    "CREATE EXTENSION IF NOT EXISTS vector",
    "SELECT setseed(0.5)",
    `CREATE TABLE memories (id uuid PRIMARY KEY, vector vector(${DIMENSIONS}), payload jsonb)`,
    insert(MEMORIES),
    // Not measured: with the server's own it takes as long as all the rest when there are many.
    `SET maintenance_work_mem = '${MEMORY_MB / 2}MB'`,
    "CREATE INDEX memories_hnsw_idx ON memories USING hnsw (vector vector_cosine_ops)",
    "CREATE TABLE writes (seconds float8)",
    "CREATE TABLE stopped (by_whom text)",
  );
}

function insert(count: number): string {
  return `INSERT INTO memories SELECT gen_random_uuid(),
       (SELECT array_agg(random() * 2 - 1) FROM generate_series(1, ${DIMENSIONS}) WHERE g = g)::vector,
       jsonb_build_object('data', 'memory ' || g, 'hash', md5('memory ' || g), 'user_id', 'user' || g % 50)
     FROM generate_series(1, ${count}) g`;
}

/** Somebody who makes a memory every now and then, each in a transaction of its own, until told to stop. */
function startWriter(place: PostgresPlace): { stop: () => Promise<number> } {
  const writing = sql(
    place,
    "source",
    "TRUNCATE writes, stopped",
    `DO $$ DECLARE began timestamptz; BEGIN
       WHILE NOT EXISTS (SELECT FROM stopped) LOOP
         began := clock_timestamp();
         ${insert(1)};
         COMMIT;
         INSERT INTO writes SELECT extract(epoch FROM clock_timestamp() - began);
         PERFORM pg_sleep(0.1);
       END LOOP;
     END $$`,
  );
  writing.catch(() => {});
  return {
    stop: async () => {
      await sql(place, "source", "INSERT INTO stopped DEFAULT VALUES");
      await writing;
      return Number(await sql(place, "source", "SELECT max(seconds) FROM writes"));
    },
  };
}

/** @throws Error when the search goes through all memories, or finds none */
async function searchByIndex(place: PostgresPlace, database: string): Promise<void> {
  const search = "SELECT id FROM memories ORDER BY vector <=> (SELECT vector FROM memories LIMIT 1) LIMIT 5";
  const onlyByIndex = "SET enable_seqscan = off";
  const [plan, found] = [
    await sql(place, database, onlyByIndex, `EXPLAIN ${search}`),
    await sql(place, database, onlyByIndex, search),
  ];
  if (!plan.includes("memories_hnsw_idx") || found.split("\n").length !== 5)
    throw new Error(`${database} cannot be searched by its index: ${plan}`);
}

function shell(command: string): Promise<unknown> {
  return execa("bash", ["-o", "pipefail", "-c", command]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("not there yet");
  return value;
}
