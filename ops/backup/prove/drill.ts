import path from "node:path";
import type { Driver } from "neo4j-driver-lite";
import pg from "pg";
import { allWell, type Check } from "../../base/check.ts";
import { secondsSince } from "../../base/elapsed.ts";
import { counted } from "../../base/words.ts";
import { writeBelow } from "../../base/write-below.ts";
import { type PostgresContainer, sql } from "../../docker/psql.ts";
import { Throwaway } from "../../docker/throwaway.ts";
import { deployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import type { BackupManifest } from "../format/backup-manifest.ts";
import { backupId } from "../format/layout.ts";
import { waitForAll } from "../format/streams.ts";
import { graphImage } from "../restore/prepare.ts";
import type { Restorable } from "../restore/restorable.ts";
import { roomOf, withinRoom } from "../restore/room.ts";
import { withScratch } from "../scratch.ts";
import { updateStatus } from "../status-file.ts";
import { readHistory, unpackHistory } from "../stores/history/restore.ts";
import { readGraphIdentity, withThrowawayGraph } from "../stores/neo4j/restore.ts";
import { countGraph, startGraph } from "../stores/neo4j/restore-graph.ts";
import { readContent } from "../stores/postgres/content.ts";
import { asOwner, type PostgresPlace } from "../stores/postgres/databases.ts";
import { restoreDatabase } from "../stores/postgres/restore.ts";
import { startOnFiles, whyNotFiles } from "../stores/postgres/restore-files.ts";
import { startThrowawayPostgres } from "../stores/postgres/throwaway.ts";
import type { PostgresFiles } from "../stores/store.ts";
import { hashesOf, isRowId, liveRows, ROW_HASH, type RowHashes } from "./live-rows.ts";

const { escapeIdentifier } = pg;

export interface DrillReport {
  backup: string;
  time: string;
  ok: boolean;
  /** From nothing to everything restored and checked: what a restore would take. */
  seconds: number;
  /** Seconds of each store, which are restored side by side. */
  stores: Record<string, number>;
  checks: Check[];
  /** Why it ended before all was checked. */
  reason: string | undefined;
}

/** Rows that are compared one by one. */
const SAMPLE = 200;

/** Memories that are looked for by their own meaning. An approximate index may miss a few, not many. */
const SEARCHES = 25;
const SEARCHES_FOUND = 0.9;

/** As the memory server searches (`hnsw_ef_search`); with pgvector's own 40, 2 of 25 were missed among 100,000. */
const EF_SEARCH = 200;

/** Notes what was found. */
type Note = (name: string, ok: boolean, found: string) => void;

interface DrillContext {
  stack: DeployedStack;
  throwaway: Throwaway;
  backup: Restorable & { manifest: BackupManifest };
  note: Note;
}

/**
 * Restores a backup into throw-away containers of the deployed images, without any network, and asks them what
 * the stack would ask. They are removed on every path; what a killed drill left is removed by the next.
 *
 * @param onCheck called with each thing that was looked at
 * @param signal aborted when the drill is given up: its result is then not kept
 */
export async function drill(
  stack: DeployedStack,
  backup: Restorable & { manifest: BackupManifest },
  onCheck: (check: Check) => void = () => {},
  signal?: AbortSignal,
): Promise<DrillReport> {
  const started = performance.now();
  const report: DrillReport = {
    backup: backup.id,
    time: new Date().toISOString(),
    ok: false,
    seconds: 0,
    stores: {},
    checks: [],
    reason: undefined,
  };
  const note: Note = (name, ok, found) => {
    const check = { name, ok, found };
    report.checks.push(check);
    onCheck(check);
  };
  const throwaway = await Throwaway.open(stack.docker, stack.manifest, "drill");
  try {
    const context = { stack, throwaway, backup, note };
    const timed = async (store: string, work: Promise<void>) => {
      await work;
      report.stores[store] = secondsSince(started);
    };
    // Side by side. When one fails, the others are waited for before their containers are removed.
    const works = () =>
      waitForAll([
        timed("postgres", drillPostgres(context)),
        backup.files && timed("postgresFiles", drillFiles(context, backup.files)),
        timed("neo4j", drillGraph(context)),
        timed("history", drillHistory(context)),
      ]);
    // Its containers are on the disk of the live data.
    const room = roomOf(stack.docker, stack.container("postgres"));
    await withinRoom(room, () => throwaway.remove(), works);
    report.ok = allWell(report.checks);
  } catch (error) {
    report.reason = error instanceof Error ? error.message : String(error);
  } finally {
    report.seconds = secondsSince(started);
    await throwaway.remove();
  }
  // A drill that was given up says nothing of the backup.
  signal?.throwIfAborted();
  keepReport(stack.directory, report);
  return report;
}

/** The result stays on the host, and goes to the exporter. */
function keepReport(stateDir: string, report: DrillReport): void {
  const file = path.join(stateDir, "backup", "drills", `${backupId(new Date(report.time))}.json`);
  writeBelow(stateDir, file, `${JSON.stringify(report, null, 2)}\n`);
  const { time, ok, seconds, backup } = report;
  updateStatus(stateDir, (status) => ({
    ...status,
    drill: { time, result: ok ? "ok" : "failed", seconds, backup },
  }));
}

async function drillPostgres({ stack, throwaway, backup, note }: DrillContext): Promise<void> {
  const dump = backup.postgres;
  if (dump === undefined) return note("postgres", false, "the backup holds no dump of Postgres");
  const { counts, identity, collection } = backup.manifest;
  const deployed = await deployedService(stack, "postgres");
  const place = await startThrowawayPostgres(stack.docker, throwaway, deployed, {
    user: stack.manifest.database.user,
    collection,
  });
  await restoreDatabase(place, dump, "drill");
  const content = await readContent(place, "drill");
  note("memories", content.memories === counts.memories, `${content.memories} of ${counts.memories}`);
  note("users", content.users === counts.users, `${content.users} of ${counts.users}`);
  note(
    "identity in Postgres",
    content.identity?.instanceId === identity.instanceId && content.dimensions === identity.dimensions,
    `${content.identity?.instanceId ?? "none"}, ${content.dimensions} dimensions`,
  );
  if (counts.memories === 0) return;
  const asked = asOwner(place);
  await sampleRows(asked, stack, note);
  await searchBySample(asked, note);
}

/** Starts a server on the copied files: it has its index already, and must hold the same. */
async function drillFiles(
  { stack, throwaway, backup, note }: DrillContext,
  files: PostgresFiles,
): Promise<void> {
  const { counts, collection } = backup.manifest;
  const { database } = stack.manifest;
  const deployed = await deployedService(stack, "postgres");
  const unfit = await whyNotFiles(stack, deployed, backup.sealed, backup.manifest, []);
  if (unfit !== undefined) return note("files of Postgres", true, `not for this stack: ${unfit}`);
  const names = { user: database.user, collection, database: database.name };
  const place = await startOnFiles(stack.docker, throwaway, deployed, names, files, backup.id);
  const { memories, users, indexed } = await readContent(place, database.name);
  note(
    "files of Postgres",
    memories === counts.memories && users === counts.users && indexed,
    `${memories} of ${counted(counts.memories, "memory")}, ${indexed ? "with" : "without"} the similarity index`,
  );
}

/** Texts against the checksum that was stored with each, and whole rows against the live ones that did not change. */
async function sampleRows(place: PostgresPlace, stack: DeployedStack, note: Note): Promise<void> {
  const sample = `(SELECT * FROM ${escapeIdentifier(place.collection)} ORDER BY md5(id::text) LIMIT ${SAMPLE}) AS sample`;
  const own = `SELECT count(*) FILTER (WHERE md5(payload->>'data') = payload->>'hash'), count(payload->>'hash') FROM ${sample}`;
  const [equal, hashed] = (await sql(place, "drill", own)).split("|").map(Number);
  note("sample texts", equal === hashed, `${equal} of ${hashed} fit the checksum stored with them`);
  const restored = await rowHashes(place, "drill", sample);
  const ids = [...restored.keys()];
  const strange = ids.find((id) => !isRowId(id));
  if (strange !== undefined)
    return note("sample rows", false, `${JSON.stringify(strange)} is no id of a memory`);
  // With the stack down there is nothing to compare with; that is no fault of the backup.
  const live = await liveRows(stack, ids).catch(() => undefined);
  if (live === undefined) return;
  const unchanged = [...restored].filter(([id, { at }]) => live.get(id)?.at === at);
  const different = unchanged.filter(([id, { hash }]) => live.get(id)?.hash !== hash);
  note(
    "sample rows",
    different.length === 0,
    `${unchanged.length - different.length} of ${unchanged.length} that did not change since are as they are live`,
  );
}

/** Checksums of whole rows of a restored table, by id. */
async function rowHashes(place: PostgresContainer, database: string, rows: string): Promise<RowHashes> {
  const text = `SELECT json_build_object('id', id, ${ROW_HASH}) FROM ${rows}`;
  const listed = (await sql(place, database, text)).split("\n").filter(Boolean);
  return hashesOf(listed.map((line) => JSON.parse(line)));
}

/** Each memory of a sample must be the nearest to itself, found by the index and not by reading all. */
async function searchBySample(place: PostgresPlace, note: Note): Promise<void> {
  const table = escapeIdentifier(place.collection);
  const text = `
    SELECT count(*) FILTER (WHERE distance < 1e-4), count(*) FROM (
      SELECT (SELECT m.vector <=> s.vector FROM ${table} m ORDER BY m.vector <=> s.vector LIMIT 1) AS distance
      FROM (SELECT vector FROM ${table} ORDER BY md5(id::text) LIMIT ${SEARCHES}) AS s) AS searches`;
  const asTheServer = [`SET hnsw.ef_search = ${EF_SEARCH}`, "SET enable_seqscan = off"];
  const plan = await sql(
    place,
    "drill",
    ...asTheServer,
    `EXPLAIN SELECT id FROM ${table} ORDER BY vector <=> (SELECT vector FROM ${table} LIMIT 1) LIMIT 1`,
  );
  note(
    "similarity index",
    plan.includes("_hnsw_idx"),
    plan.split("\n").find((line) => line.includes("Index")) ?? plan,
  );
  const [found, searches] = (await sql(place, "drill", ...asTheServer, text)).split("|").map(Number);
  note(
    "similarity search",
    (found ?? 0) >= (searches ?? 1) * SEARCHES_FOUND,
    `${found} of ${counted(searches ?? 0, "memory")} found by their own meaning`,
  );
}

async function drillGraph({ stack, throwaway, backup, note }: DrillContext): Promise<void> {
  const { counts, identity } = backup.manifest;
  if (backup.graph === undefined) return note("neo4j", false, "the backup holds no graph");
  const parts = backup.graph;
  const image = graphImage(await deployedService(stack, "neo4j"));
  await withThrowawayGraph(stack.docker, throwaway, image, async (graph) => {
    const driver = await startGraph(graph, parts);
    const { nodes, relationships } = await countGraph(driver);
    note("nodes", nodes === counts.nodes, `${nodes} of ${counts.nodes}`);
    note(
      "relationships",
      relationships === counts.relationships,
      `${relationships} of ${counts.relationships}`,
    );
    const bound = await readGraphIdentity(driver);
    note("identity in Neo4j", bound?.instanceId === identity.instanceId, bound?.instanceId ?? "none");
    await queryGraph(driver, counts.relationships > 0, note);
    await graph.stop();
    await graph.check();
    note("Neo4j's consistency check", true, "nothing inconsistent");
  });
}

/** What the memory server asks when it searches: the relations of an entity, by its user and name. */
async function queryGraph(driver: Driver, hasRelations: boolean, note: Note): Promise<void> {
  const text = `
    MATCH (e:__Entity__)-[]-() WITH e LIMIT 1
    MATCH (n:__Entity__ {user_id: e.user_id, name: e.name})-[r]-(m)
    RETURN startNode(r).name AS s, type(r) AS t, endNode(r).name AS d LIMIT 5`;
  const { records } = await driver.executeQuery(text);
  note(
    "graph query",
    records.length > 0 || !hasRelations,
    `${counted(records.length, "relation")} of an entity`,
  );
}

async function drillHistory({ stack, backup, note }: DrillContext): Promise<void> {
  if (backup.history === undefined) return note("history", false, "the backup holds no history file");
  const { history, manifest } = backup;
  await withScratch(stack.directory, async (directory) => {
    const file = path.join(directory, "history.db");
    await unpackHistory(history, file);
    const { entries, damage } = readHistory(file);
    const wanted = manifest.counts.historyEntries;
    note("history entries", entries === wanted, `${entries} of ${wanted}`);
    note("history integrity", damage.length === 0, damage[0] ?? "ok");
  });
}
