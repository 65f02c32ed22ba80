import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { readMachine } from "../ops/stack/machine-file.ts";
import { table } from "../scripts/cli/table.ts";
import { residentMebibytes } from "../test/harness/support/container-memory.ts";
import { waitFor } from "../test/harness/support/eventually.ts";
import { docker, WatchedStack } from "../test/harness/support/watched-stack.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/**
 * What watching costs as the data grows: `./mem0 bench observability` on a machine that is set up. Fills the stores of
 * a stack of its own with memories and a graph, and scrapes it, beside Debian's postgres_exporter on the same database.
 */
const SIZES =
  process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000, 1_000_000];
const SCRAPES = 50;

/** Between two scrapes, ms: long enough that counts of large data are due again and again, as at every 15 s. */
const PAUSE = 1_500;
const FIRST_PORT = 28420;
const POSTGRES_EXPORTER = "mem0_bench_postgres_exporter";
const POSTGRES_EXPORTER_PORT = FIRST_PORT + 9;

const GOALS = { p95Milliseconds: 50, memoryMebibytes: 120 };

interface Figures {
  p50: number;
  p95: number;
  kilobytes: number;
  mebibytes: number;
}

const stack = new WatchedStack("watchbench", FIRST_PORT);
try {
  console.error("deploying a stack of its own ...");
  await stack.up({ resources: { postgres: { memoryMb: 2048 } } });
  await startPostgresExporter();
  // Its build takes hours at this size, and no scrape looks into it.
  await stack.sql("DROP INDEX memories_hnsw_idx");

  const rows: string[][] = [];
  for (const size of SIZES) {
    console.error(`filling up to ${size} memories ...`);
    await fill(size);
    const ours = await measure(stack.address, stack.container("metrics_exporter"));
    const theirs = await measure(`http://127.0.0.1:${POSTGRES_EXPORTER_PORT}`, POSTGRES_EXPORTER);
    const age = await stack.value("mem0_count_age_seconds", { count: "memories" });
    rows.push([size.toLocaleString("en-US"), ...show(ours), (age ?? Number.NaN).toFixed(1), ...show(theirs)]);
  }
  const head = ["p50, ms", "p95, ms", "page, kB", "memory, MiB"];
  const ours = head.map((name) => `ours: ${name}`);
  const theirs = head.map((name) => `postgres_exporter: ${name}`);
  console.log(table(["memories", ...ours, "age of the count, s", ...theirs], rows));
  console.log(
    `goals at 1,000,000: p95 <= ${GOALS.p95Milliseconds} ms, memory <= ${GOALS.memoryMebibytes} MiB`,
  );
} finally {
  await execa("docker", ["rm", "--force", POSTGRES_EXPORTER], { reject: false });
  await stack.remove();
}

/** Memories of a hundred users with embeddings as large as real ones, and a tenth as many entities in the graph. */
async function fill(size: number): Promise<void> {
  await stack.sql(`
    INSERT INTO memories (id, vector, payload)
    SELECT gen_random_uuid(), v, jsonb_build_object('data', 'memory number ' || n, 'user_id', 'user' || n % 100,
      'hash', md5(n::text), 'created_at', now() + n * interval '1 ms', 'updated_at', now())
    FROM generate_series((SELECT count(*) + 1 FROM memories), ${size}) AS n,
      (SELECT array_agg(0.5)::vector AS v FROM generate_series(1, 384)) AS same`);
  await stack.sql("VACUUM ANALYZE memories");
  await stack.cypher(`
    MATCH (n:__Entity__) WITH count(n) AS there UNWIND range(there + 1, ${size / 10}) AS i
    CALL (i) { CREATE (a:__Entity__ {name: 'entity ' + i, user_id: 'user' + i % 100})-[:KNOWS]->(a)
      CREATE (a)-[:KNEW {valid: i % 2 = 0}]->(a) } IN TRANSACTIONS OF 10000 ROWS`);
}

async function measure(address: string, container: string): Promise<Figures> {
  const times: number[] = [];
  let bytes = 0;
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    const started = performance.now();
    bytes = (await (await fetch(`${address}/metrics`)).arrayBuffer()).byteLength;
    times.push(performance.now() - started);
    await delay(PAUSE);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return {
    p50: at(0.5),
    p95: at(0.95),
    kilobytes: bytes / 1000,
    mebibytes: await residentMebibytes(container),
  };
}

function show({ p50, p95, kilobytes, mebibytes }: Figures): string[] {
  return [p50.toFixed(0), p95.toFixed(0), kilobytes.toFixed(0), mebibytes.toFixed(0)];
}

async function startPostgresExporter(): Promise<void> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bench-"));
  const install = "apt-get update && apt-get install -y --no-install-recommends prometheus-postgres-exporter";
  writeFileSync(
    path.join(directory, "Dockerfile"),
    `FROM ${readMachine(CHECKOUT).baseImage}\nRUN ${install}\n`,
  );
  const tag = "mem0/bench-postgres-exporter";
  await docker("build", "--tag", tag, directory);
  rmSync(directory, { recursive: true });
  const { database, secretFiles } = stack.manifest;
  const password = `${secretFiles.metrics_password}:/run/secrets/password:ro`;
  const env = {
    DATA_SOURCE_URI: `postgres:5432/${database.name}?sslmode=disable`,
    DATA_SOURCE_USER: database.metricsUser ?? "",
    DATA_SOURCE_PASS_FILE: "/run/secrets/password",
  };
  await docker(
    ...["run", "--detach", "--name", POSTGRES_EXPORTER, "--network", stack.manifest.network],
    ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...["--volume", password, "--publish", `127.0.0.1:${POSTGRES_EXPORTER_PORT}:9187`],
    ...[tag, "prometheus-postgres-exporter"],
  );
  const answers = async () =>
    fetch(`http://127.0.0.1:${POSTGRES_EXPORTER_PORT}/metrics`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor("postgres_exporter", answers);
}
