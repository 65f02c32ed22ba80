import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { readMachine } from "../config/machine.ts";
import type { Part } from "../ops/backup/backup-manifest.ts";
import { type PostgresPlace, readContent, restoreDatabase, sql } from "../ops/backup/restore/postgres.ts";
import { startThrowawayPostgres } from "../ops/backup/restore/throwaway-postgres.ts";
import { connectDocker } from "../ops/docker.ts";
import { Throwaway } from "../ops/throwaway.ts";
import { table } from "../scripts/output.ts";
import { testEnvironment } from "../scripts/test-environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/**
 * From a dump to a database that can be searched, beside the old operations guide's `gunzip | psql`, on the same
 * server and the same data: `node bench/restore.ts [memories] [dimensions]` on a machine that is set up, whose images
 * `./mem0 up` has built. The guide's server ran with PostgreSQL's own defaults: its session gets them.
 */
const MEMORIES = Number(process.argv[2] ?? 20_000);
const DIMENSIONS = Number(process.argv[3] ?? 1536);

const GOAL = 2;

/** What the deployed stack gives Postgres by default (config/schema.ts, components/postgres.ts). */
const MEMORY_MB = 1024;
const SETTINGS = ["shared_buffers=256MB", "maintenance_work_mem=256MB"];

const docker = connectDocker(readMachine(CHECKOUT).docker.host);
const throwaway = await Throwaway.open(docker, { stack: "bench", homeId: "bench" }, "restore");
const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bench-"));
try {
  const image = testEnvironment().MEM0_IMAGE_POSTGRES ?? "";
  const place = await startThrowawayPostgres(
    docker,
    throwaway,
    {
      container: "",
      image,
      user: "10001:10001",
      memoryBytes: MEMORY_MB * 1024 * 1024,
      shmBytes: 256 * 1024 * 1024,
      command: SETTINGS.flatMap((setting) => ["-c", setting]),
      env: {},
      store: "",
    },
    { user: "mem0_user", collection: "memories" },
  );
  console.error(`making ${MEMORIES} memories of ${DIMENSIONS} dimensions ...`);
  await fill(place);
  const plain = path.join(directory, "guide.sql.gz");
  const custom = path.join(directory, "ours.dump");
  await shell(`docker exec ${place.container} pg_dump -U postgres -d source | gzip > ${plain}`);
  await shell(
    `docker exec ${place.container} pg_dump -U postgres -d source --format=custom --compress=zstd:1 > ${custom}`,
  );
  await sql(place, "postgres", "DROP DATABASE source");

  console.error("restoring as the guide does ...");
  const guide = await timed(async () => {
    await sql(place, "postgres", "CREATE DATABASE guide OWNER mem0_user");
    const defaults = "-e PGOPTIONS='-c maintenance_work_mem=64MB'";
    await shell(
      `gunzip < ${plain} | docker exec -i ${defaults} ${place.container} psql -q -U postgres -d guide`,
    );
  });
  console.error("restoring as ./mem0 restore does ...");
  const part: Part = {
    source: "postgres",
    name: "mem0",
    file: custom,
    format: "pg-custom",
    bytes: 0,
    seconds: 0,
  };
  const ours = await timed(() =>
    restoreDatabase(place, { part, open: () => createReadStream(custom) }, "ours"),
  );
  for (const database of ["guide", "ours"]) {
    const { memories, indexed } = await readContent(place, database);
    if (memories !== MEMORIES || !indexed)
      throw new Error(`${database}: ${memories} memories, index ${indexed}`);
  }
  const megabytes = (file: string) => (statSync(file).size / 1e6).toFixed(0);
  console.log(
    table(
      ["way", "seconds to searchable", "dump, MB"],
      [
        ["gunzip | psql", guide.toFixed(1), megabytes(plain)],
        ["./mem0 restore", ours.toFixed(1), megabytes(custom)],
      ],
    ),
  );
  console.log(`ratio ${(guide / ours).toFixed(1)}, goal >= ${GOAL}`);
} finally {
  await throwaway.remove();
  rmSync(directory, { recursive: true, force: true });
}

async function fill(place: PostgresPlace): Promise<void> {
  await sql(place, "postgres", "CREATE DATABASE source OWNER mem0_user");
  await sql(
    place,
    "source",
    "CREATE EXTENSION vector",
    "SELECT setseed(0.5)",
    `CREATE TABLE memories (id uuid PRIMARY KEY, vector vector(${DIMENSIONS}), payload jsonb)`,
    `INSERT INTO memories SELECT gen_random_uuid(),
       (SELECT array_agg(random() * 2 - 1) FROM generate_series(1, ${DIMENSIONS}) WHERE g = g)::vector,
       jsonb_build_object('data', 'memory ' || g, 'hash', md5('memory ' || g), 'user_id', 'user' || g % 50)
     FROM generate_series(1, ${MEMORIES}) g`,
    "CREATE INDEX memories_hnsw_idx ON memories USING hnsw (vector vector_cosine_ops)",
  );
}

function shell(command: string): Promise<unknown> {
  return execa("bash", ["-o", "pipefail", "-c", command]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
