import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { type BackupManifest, backupManifestSchema } from "../ops/backup/format/backup-manifest.ts";
import { PartFiles } from "../ops/backup/format/part-files.ts";
import type { Cut } from "../ops/backup/stores/cut.ts";
import { openSnapshot, postgresDump } from "../ops/backup/stores/postgres/dump.ts";
import { table } from "../scripts/cli/table.ts";
import { docker, WatchedStack } from "../test/harness/support/watched-stack.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/**
 * What backups cost: `./mem0 bench backup [memories ...]` on a machine that is set up. Fills a stack of its own with
 * random embeddings of 1,536 dimensions, as many in the graph, and backs it up beside the guide's `pg_dump | gzip`, all
 * in one run.
 */
const SIZES = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 5_000, 20_000];
const FIRST_PORT = 28440;
const DIMENSIONS = 1536;

const GOALS =
  "goals at 20,000: dump >= 7 times as fast as the guide's and not larger; hourly: writers wait < 2 s; " +
  "daily: Neo4j stopped <= 25 s; memory of the tool <= 200 MiB";

const stack = new WatchedStack("backupbench", FIRST_PORT);
const scratch = mkdtempSync(path.join(os.tmpdir(), "mem0-bench-"));
try {
  console.error("deploying a stack of its own ...");
  await stack.up({
    observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    backup: { root: path.join(scratch, "backups") },
  });
  // The server has looked at its table and does not look again; no dump holds an index.
  await stack.sql("DROP INDEX memories_hnsw_idx");
  await stack.sql(`ALTER TABLE memories ALTER COLUMN vector TYPE vector(${DIMENSIONS})`);

  const rows: string[][] = [];
  for (const size of SIZES) {
    console.error(`filling up to ${size} memories ...`);
    await fill(size);
    console.error("dumping as the guide does ...");
    const guide = await guideDump();
    console.error("dumping ...");
    const dump = await ourDump();
    console.error("an hourly backup ...");
    const hourly = await backup("hourly");
    console.error("a daily backup ...");
    const daily = await backup("daily");
    rows.push([
      size.toLocaleString("en-US"),
      `${guide.seconds.toFixed(1)} s, ${megabytes(guide.bytes)}`,
      `${dump.seconds.toFixed(1)} s, ${megabytes(dump.bytes)}`,
      (guide.seconds / dump.seconds).toFixed(1),
      (dump.bytes / guide.bytes).toFixed(2),
      `${hourly.seconds.toFixed(1)} s, ${megabytes(hourly.bytes)}`,
      hourly.manifest.writesHeldSeconds.toFixed(2),
      `${daily.seconds.toFixed(1)} s, ${megabytes(daily.bytes)}`,
      daily.manifest.neo4jStoppedSeconds.toFixed(1),
      `${hourly.peakMebibytes.toFixed(0)}, ${daily.peakMebibytes.toFixed(0)}`,
    ]);
    console.error(rows.at(-1)?.join(" | "));
  }
  const head = ["memories", "pg_dump | gzip", "ours", "times as fast", "size ratio", "whole hourly"];
  console.log(
    table(
      [...head, "writers wait, s", "whole daily", "Neo4j stopped, s", "peak of hourly, daily, MiB"],
      rows,
    ),
  );
  console.log(GOALS);
} finally {
  rmSync(scratch, { recursive: true, force: true });
  await stack.remove();
}

/** As many nodes, relationships and history entries as memories, all with embeddings where they have one. */
async function fill(size: number): Promise<void> {
  await stack.sql(`
    INSERT INTO memories (id, vector, payload)
    SELECT gen_random_uuid(), v, jsonb_build_object('data', 'memory number ' || n || ' of somebody who likes to talk',
      'user_id', 'user' || n % 100, 'hash', md5(n::text), 'created_at', now(), 'updated_at', now())
    FROM generate_series((SELECT count(*) + 1 FROM memories), ${size}) AS n,
      LATERAL (SELECT array_agg(random()::real - 0.5)::vector AS v FROM generate_series(1, ${DIMENSIONS} + 0 * n)) AS e`);
  await stack.sql("VACUUM ANALYZE memories");
  await stack.cypher(`
    MATCH (n:__Entity__) WITH count(n) AS there UNWIND range(there + 1, ${size}) AS i
    CALL (i) {
      CREATE (a:__Entity__ {name: 'entity ' + i, user_id: 'user' + i % 100, created: timestamp(), mentions: 1})
      WITH a, i CALL db.create.setNodeVectorProperty(a, 'embedding', [x IN range(1, ${DIMENSIONS}) | rand() - 0.5])
      CREATE (a)-[:KNOWS {created_at: timestamp(), mentions: 1, valid: true}]->(a)
    } IN TRANSACTIONS OF 100 ROWS`);
  const insert = `
import os, sqlite3, uuid
db = sqlite3.connect(os.environ['HISTORY_DB_PATH'])
there = db.execute('SELECT count(*) FROM history').fetchone()[0]
rows = [(str(uuid.uuid4()), str(uuid.uuid4()), f'memory number {n} of somebody who likes to talk') for n in range(there, ${size})]
db.executemany("INSERT INTO history (id, memory_id, new_memory, event, is_deleted) VALUES (?, ?, ?, 'ADD', 0)", rows)
db.commit()`;
  await docker("exec", stack.container("server"), "python3", "-c", insert);
}

/** The guide's own command, into a file on the same disk. */
async function guideDump(): Promise<{ seconds: number; bytes: number }> {
  const file = path.join(scratch, "guide.sql.gz");
  const started = performance.now();
  const command = `docker exec ${stack.container("postgres")} pg_dump -U postgres -d mem0_${stack.stack} | gzip > ${file} && sync ${file}`;
  await execa("bash", ["-c", `set -o pipefail; ${command}`]);
  const seconds = (performance.now() - started) / 1000;
  const bytes = statSync(file).size;
  rmSync(file);
  return { seconds, bytes };
}

/** The Postgres share of a backup alone: what pg_dump | gzip is to be held against. */
async function ourDump(): Promise<{ seconds: number; bytes: number }> {
  const directory = mkdtempSync(path.join(scratch, "dump-"));
  const started = performance.now();
  const { deployed } = stack;
  const cut: Cut = {
    id: "20260101_000000",
    tier: "hourly",
    stack: deployed,
    snapshot: await openSnapshot(await deployed.postgres()),
    found: { counts: {}, identities: {}, versions: {}, neo4jStoppedSeconds: 0 },
    stopNeo4j: false,
    report: () => {},
  };
  const files = new PartFiles(directory, []);
  await postgresDump.dump(cut, files);
  await deployed.close();
  const seconds = (performance.now() - started) / 1000;
  rmSync(directory, { recursive: true });
  return { seconds, bytes: files.parts.reduce((sum, part) => sum + part.bytes, 0) };
}

interface BackupFigures {
  seconds: number;
  bytes: number;
  peakMebibytes: number;
  manifest: BackupManifest;
}

/** The verb itself, as a person or a schedule runs it. */
async function backup(tier: string): Promise<BackupFigures> {
  const started = performance.now();
  const run = execa(path.join(CHECKOUT, "mem0"), ["backup", stack.stack, "--tier", tier, "--json"], {
    env: { MEM0_HOME: stack.project.stateHome },
    stderr: "inherit",
  });
  let peak = 0;
  let running = true;
  const ended = run.finally(() => {
    running = false;
  });
  ended.catch(() => {});
  while (running) {
    peak = Math.max(peak, peakOf(run.pid));
    await delay(50);
  }
  const { stdout } = await ended;
  const { bytes, manifest } = JSON.parse(stdout) as { bytes: number; manifest: unknown };
  return {
    seconds: (performance.now() - started) / 1000,
    bytes,
    peakMebibytes: peak,
    manifest: backupManifestSchema.parse(manifest),
  };
}

/** The most memory that a process has had resident so far, in MiB, as Linux keeps it. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
