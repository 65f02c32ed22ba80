import path from "node:path";
import type { Readable } from "node:stream";
import { byteSize } from "../../base/byte-size.ts";
import { allWell, type Check, lookAt } from "../../base/check.ts";
import { secondsSince } from "../../base/elapsed.ts";
import { counted } from "../../base/words.ts";
import { Throwaway } from "../../docker/throwaway.ts";
import { type DeployedService, deployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { compareChecksums } from "../format/checksums.ts";
import type { OpenPart } from "../format/part.ts";
import type { OnBytes } from "../format/part-files.ts";
import { SEAL_WORDS, type SealState } from "../format/seal.ts";
import { decompressed } from "../format/streams.ts";
import type { Backup } from "../keep/catalogue.ts";
import { metered } from "../restore/metered.ts";
import { graphImage } from "../restore/prepare.ts";
import { openBackup, type Restorable } from "../restore/restorable.ts";
import { roomOf, withinRoom } from "../restore/room.ts";
import { withScratch } from "../scratch.ts";
import { readHistory, unpackHistory } from "../stores/history/restore.ts";
import { type ThrowawayGraph, withThrowawayGraph } from "../stores/neo4j/restore.ts";
import { readGraphLines } from "../stores/neo4j/restore-lines.ts";
import { countRows } from "../stores/postgres/copy-format.ts";
import { onFiles } from "../stores/postgres/restore-files.ts";
import { plainSql } from "../stores/postgres/sql-text.ts";
import { readDump } from "../stores/postgres/verify.ts";
import type { GraphParts, PostgresFiles } from "../stores/store.ts";

export interface Verified {
  id: string;
  tier: string;
  ok: boolean;
  /** Who sealed it; undefined when its manifest cannot be read. */
  sealed: SealState | undefined;
  checks: Check[];
  bytes: number;
  seconds: number;
}

export interface VerifyTools {
  throwaway: Throwaway;
  postgres: DeployedService;
  /** Gives an empty throw-away Neo4j to work with. */
  withGraph: <T>(work: (graph: ThrowawayGraph) => Promise<T>) => Promise<T>;
  /** For files that are unpacked on this host; readable by its owner alone. */
  stateDir: string;
  /** Text of the age identity file. */
  identity: string | undefined;
  onCheck?: (check: Check) => void;
  onBytes?: OnBytes | undefined;
}

/** Reads a backup from its first byte to its last, and compares what it holds with what its manifest says. */
export async function verifyBackup(backup: Backup, tools: VerifyTools): Promise<Verified> {
  const started = performance.now();
  const checks: Check[] = [];
  const check = async (name: string, find: () => Promise<string>) => {
    const done = await lookAt(name, find);
    checks.push(done);
    tools.onCheck?.(done);
  };
  const { sealed } = backup;
  await check("seal", async () => {
    if (sealed === "changed") throw new Error(SEAL_WORDS[sealed]);
    return SEAL_WORDS[sealed];
  });
  await check("checksums", () => compareChecksums(backup, tools.onBytes));
  // Damaged bytes need no further checks.
  if (allWell(checks)) {
    const { manifest } = backup;
    await check("encryption", async () => {
      if (manifest.encryption === null) return "not encrypted";
      if (tools.identity === undefined)
        throw new Error("encrypted, and no identity file was given: --identity FILE");
      return `readable, ${counted(manifest.encryption.recipients.length, "recipient")}`;
    });
    if (allWell(checks)) {
      const opened = metered(openBackup(backup, tools.identity), tools.onBytes);
      await check("postgres", () => readPostgres(opened, backup, tools));
      const { files } = opened;
      if (files !== undefined) await check("postgres' files", () => readFiles(files, tools));
      await check("neo4j", () => readGraph(opened.graph, backup, tools));
      await check("history", () => readHistoryPart(opened.history, backup, tools));
      for (const part of opened.others) await check(part.part.name, () => readText(part));
    }
  }
  return {
    id: backup.id,
    tier: backup.tier,
    ok: allWell(checks),
    sealed,
    checks,
    bytes: backup.bytes,
    seconds: secondsSince(started),
  };
}

async function readPostgres(opened: Restorable, { manifest }: Backup, tools: VerifyTools): Promise<string> {
  const dump = required(opened.postgres, "a dump of Postgres");
  const { rows, indexes, identity, whole } = await readDump(tools.throwaway, tools.postgres, dump);
  if (!whole) throw new Error(`${dump.part.file} does not end as a dump does`);
  const memories =
    dump.rows === undefined ? rows.get(manifest.collection) : await countRows(decompressed(dump.rows));
  requireEqual("memories", memories, manifest.counts.memories);
  requireEqual("instance", identity?.instanceId, manifest.identity.instanceId);
  requireEqual("embedder", identity?.embedder, manifest.identity.embedder);
  requireEqual("dimensions", identity?.dimensions, manifest.identity.dimensions);
  const index = `${manifest.collection}_hnsw_idx`;
  if (!indexes.includes(index)) throw new Error(`the dump does not make the index ${index}`);
  return `${counted(manifest.counts.memories, "memory")}, ${counted(rows.size, "table")}, identity as in the manifest`;
}

/** Files that a copy of a server may hold: one of a stack has 1,300, and 300 more for each other database. */
const MOST_FILES = 200_000;

/** Compares every copied file with the list that Postgres made with it; that a server starts on them, a drill shows. */
async function readFiles(
  { files, log }: PostgresFiles,
  { throwaway, postgres }: VerifyTools,
): Promise<string> {
  const volume = await throwaway.volume("files");
  const compare = `mkdir pgdata
    tar -x -v -C pgdata | awk 'NR > ${MOST_FILES} { print "more than ${MOST_FILES} files" > "/dev/stderr"; exit 1 }'
    pg_verifybackup --no-parse-wal --quiet pgdata; rm -r pgdata`;
  await onFiles(throwaway, postgres, volume, compare, files);
  const segments = (await onFiles(throwaway, postgres, volume, "tar -t", log)).split("\n").filter(Boolean);
  const strange = segments.find((name) => !/^[0-9A-F]{24}$/.test(name));
  if (strange !== undefined)
    throw new Error(`${log.part.file} holds ${strange}, which is no segment of the log`);
  if (segments.length === 0) throw new Error(`${log.part.file} holds no segment of the log`);
  return `as Postgres listed them, with ${counted(segments.length, "segment")} of the log`;
}

async function readGraph(
  parts: GraphParts | undefined,
  { manifest }: Backup,
  tools: VerifyTools,
): Promise<string> {
  const graph = required(parts, "a copy of the graph");
  if (graph.kind === "dumps") {
    return tools.withGraph(async (store) => {
      for (const part of graph.parts) await store.load(part);
      for (const { part } of graph.parts) await store.check(part.name);
      return `${graph.parts.length} dumps can be loaded and are consistent`;
    });
  }
  if (graph.kind === "files") throw new Error("Neo4j's own files stand only in backups of the old form");
  const { nodes, relationships, identity } = await readGraphLines(graph.part);
  requireEqual("nodes", nodes, manifest.counts.nodes);
  requireEqual("relationships", relationships, manifest.counts.relationships);
  requireEqual("instance", identity?.instanceId, manifest.identity.instanceId);
  return `${counted(nodes, "node")}, ${counted(relationships, "relationship")}, identity as in the manifest`;
}

async function readHistoryPart(
  part: OpenPart | undefined,
  { manifest }: Backup,
  { stateDir }: VerifyTools,
): Promise<string> {
  const history = required(part, "the history file");
  return withScratch(stateDir, async (directory) => {
    const file = path.join(directory, "history.db");
    await unpackHistory(history, file);
    const { entries, identity, damage } = readHistory(file);
    if (damage.length > 0) throw new Error(`SQLite finds it damaged: ${damage[0]}`);
    requireEqual("history entries", entries, manifest.counts.historyEntries);
    requireEqual("instance", identity?.instanceId, manifest.identity.instanceId);
    return `${counted(entries, "entry")}, integrity ok, identity as in the manifest`;
  });
}

/** Roles of a server, or a stack's manifest: some kilobytes. */
const MOST_TEXT_BYTES = 16 * 1024 ** 2;

/** Parts that are read by people: they must unpack to text. */
export async function readText(part: OpenPart): Promise<string> {
  const { file, bytes } = part.part;
  if (bytes > MOST_TEXT_BYTES)
    throw new Error(
      `${file} has ${byteSize(bytes)}, and none that a backup writes has more than ${byteSize(MOST_TEXT_BYTES)}`,
    );
  const text = await readShort(part.part.format === "json" ? part.open() : plainSql(part), file);
  if (part.part.format === "json") JSON.parse(text);
  else if (!text.includes("cluster dump complete"))
    throw new Error("it does not end as a dump of roles does");
  return `${text.length} characters`;
}

/** A packed text may hold many times its size. */
async function readShort(source: Readable, file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_TEXT_BYTES)
      throw new Error(
        `${file} unpacks to more than ${byteSize(MOST_TEXT_BYTES)}, which no text of a backup has`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function requireEqual(what: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  throw new Error(`${what}: ${found ?? "none"} in the backup, ${wanted} in its manifest`);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the backup holds no ${what.replace(/^an? |^the /, "")}`);
  return value;
}

/**
 * Verifies backups one after the other, with throw-away containers of the deployed images.
 *
 * @param identity text of the age identity file
 */
export async function verifyAll(
  stack: DeployedStack,
  backups: readonly Backup[],
  identity: string | undefined,
  on: { begin: (backup: Backup) => void; check: (check: Check) => void; bytes?: OnBytes },
): Promise<Verified[]> {
  const postgres = await deployedService(stack, "postgres");
  const neo4j = graphImage(await deployedService(stack, "neo4j"));
  const { docker, manifest, directory } = stack;
  const room = roomOf(docker, stack.container("postgres"));
  const verified: Verified[] = [];
  for (const backup of backups) {
    on.begin(backup);
    const throwaway = await Throwaway.open(docker, manifest, "verify");
    try {
      // What is unpacked in containers lies on the disk of the live data.
      const verify = () =>
        verifyBackup(backup, {
          throwaway,
          postgres,
          withGraph: (work) => withThrowawayGraph(docker, throwaway, neo4j, work),
          stateDir: directory,
          identity,
          onCheck: on.check,
          onBytes: on.bytes,
        });
      verified.push(await withinRoom(room, () => throwaway.remove(), verify));
    } finally {
      await throwaway.remove();
    }
  }
  return verified;
}
