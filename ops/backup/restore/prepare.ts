import { createReadStream } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import { Problem } from "../../base/problem.ts";
import { counted } from "../../base/words.ts";
import type { Throwaway } from "../../docker/throwaway.ts";
import { type DeployedService, onStore } from "../../stack/deployed-service.ts";
import type { Counts, Identity } from "../format/backup-manifest.ts";
import { hashFile } from "../format/checksums.ts";
import type { OpenPart } from "../format/part.ts";
import { withScratch } from "../scratch.ts";
import { bindHistory, readHistory, rewriteHistory, unpackHistory } from "../stores/history/restore.ts";
import {
  bindGraph,
  type Neo4jImage,
  readGraphIdentity,
  withThrowawayGraph,
} from "../stores/neo4j/restore.ts";
import { countGraph, startGraph } from "../stores/neo4j/restore-graph.ts";
import { bindDatabase, isSearchable, readContent } from "../stores/postgres/content.ts";
import { copyOver } from "../stores/postgres/copy-over.ts";
import type { PostgresPlace } from "../stores/postgres/databases.ts";
import { makeSearchable, restoreDatabase } from "../stores/postgres/restore.ts";
import { dropOthers, layBeside, type ServerNames, startOnFiles } from "../stores/postgres/restore-files.ts";
import { startThrowawayPostgres } from "../stores/postgres/throwaway.ts";
import type { GraphParts, PostgresFiles, PostgresParts } from "../stores/store.ts";
import { RESERVE_BYTES } from "./room.ts";
import { LIVE_FILES, namesBeside, type RestoreRun } from "./swap.ts";

/** What holds for every store that is restored. */
export interface Preparation {
  docker: Docker;
  throwaway: Throwaway;
  /** Id of the restore: part of the names of all that is made. */
  id: string;
  /** The identity that the data must have. */
  identity: Identity;
  /** Whether data that is bound to another instance, or to none, is bound to this one. */
  adopt: boolean;
  /** What the backup's manifest says that it holds; undefined for one of the old form. */
  counts: Counts | undefined;
}

/** A dump, and the live server that it is restored for. */
export interface DumpToRestore {
  dump: PostgresParts;
  live: PostgresPlace;
  /** Name of the live database. */
  database: string;
  /** Whether the whole server takes the live one's place, or a database of it. */
  as: RestoreRun["postgresAs"];
  leaveOutUnknown: boolean;
  report: (line: string) => void;
}

/**
 * Restores a dump in a throw-away server, compares it there with what the backup promises, and brings it beside the live
 * data: the server's files beside the live ones, or the rows into a new database of a live server that holds more.
 *
 * @returns how many memories it holds
 */
export async function preparePostgres(
  preparation: Preparation,
  deployed: DeployedService,
  { dump, live, database, as, ...options }: DumpToRestore,
): Promise<number> {
  const { docker, throwaway, id } = preparation;
  const place = await startThrowawayPostgres(docker, throwaway, deployed, live, { database });
  const tables = await restoreDatabase(place, dump, database, { ...options, searchable: false });
  const memories = await checkDatabase(preparation, place, database, dump.part.file);
  if (as === "files") {
    options.report(`Postgres: building the similarity index of ${counted(memories, "memory")}`);
    await makeSearchable(place, database);
    await requireIndex(place, database);
    await layBeside(place, deployed, namesBeside(LIVE_FILES.postgres, id).restored, RESERVE_BYTES);
    return memories;
  }
  const { restored } = namesBeside(database, id);
  options.report("copying the checked rows into a new database of the live server");
  await copyOver(place, database, tables, live, restored);
  await requireIndex(live, restored);
  const copied = await readContent(live, restored);
  requireCount(throwaway.stack, "memories", copied.memories, memories);
  return memories;
}

/**
 * Starts a throw-away server on a copy of Postgres' files, compares what it holds with what the backup promises, and
 * lays its files beside the live ones.
 *
 * @param backupId the backup's id: its moment has a name in the log
 * @returns how many memories it holds
 */
export async function preparePostgresFiles(
  preparation: Preparation,
  deployed: DeployedService,
  names: ServerNames,
  files: PostgresFiles,
  backupId: string,
): Promise<number> {
  const { docker, throwaway, id } = preparation;
  const { database } = names;
  const place = await startOnFiles(docker, throwaway, deployed, names, files, backupId);
  await dropOthers(place, database);
  const memories = await checkDatabase(preparation, place, database, files.files.part.file);
  await requireIndex(place, database);
  await layBeside(place, deployed, namesBeside(LIVE_FILES.postgres, id).restored, RESERVE_BYTES);
  return memories;
}

async function requireIndex(place: PostgresPlace, database: string): Promise<void> {
  if (await isSearchable(place, database)) return;
  throw new Problem("the restored database has no similarity index", { where: database });
}

/** @param file of the backup */
async function checkDatabase(
  { throwaway, identity, adopt, counts }: Preparation,
  place: PostgresPlace,
  restored: string,
  file: string,
): Promise<number> {
  const content = await readContent(place, restored);
  if (content.dimensions !== identity.dimensions) {
    throw new Problem(
      content.dimensions === undefined
        ? `the backup has no table ${place.collection}`
        : `the backup holds vectors of ${content.dimensions} dimensions, this stack's have ${identity.dimensions}`,
      {
        where: file,
        mend: "set mem0:memory.collection and mem0:model to those of the backup in a new stack, and restore it there",
      },
    );
  }
  if (counts !== undefined) {
    requireCount(throwaway.stack, "memories", content.memories, counts.memories);
    requireCount(throwaway.stack, "users", content.users, counts.users);
  }
  await bindToStack("the backup of Postgres", content.identity, { identity, adopt }, () =>
    bindDatabase(place, restored, identity),
  );
  return content.memories;
}

/** Restores a graph in a throw-away Neo4j, has it checked there, and lays its store beside the live one's. */
export async function prepareGraph(
  { docker, throwaway, id, identity, adopt, counts }: Preparation,
  neo4j: DeployedService,
  parts: GraphParts,
): Promise<void> {
  await withThrowawayGraph(docker, throwaway, graphImage(neo4j), async (graph) => {
    const driver = await startGraph(graph, parts);
    if (counts !== undefined) {
      const found = await countGraph(driver);
      requireCount(throwaway.stack, "nodes", found.nodes, counts.nodes);
      requireCount(throwaway.stack, "relationships", found.relationships, counts.relationships);
    }
    await bindToStack("the graph", await readGraphIdentity(driver), { identity, adopt }, () =>
      bindGraph(driver, identity, new Date()),
    );
    await graph.stop();
    await graph.check();
    const { restored } = namesBeside(LIVE_FILES.neo4j, id);
    const copy = `rm -rf "/store/${restored}"; cp -a /data/neo4j "/store/${restored}"; sync --file-system /store`;
    await graph.script(copy, { stores: { "/store": neo4j.store } });
  });
}

/** Unpacks a history file, has SQLite check it, and lays it beside the live one. */
export async function prepareHistory(
  { throwaway, id, identity, adopt, counts }: Preparation,
  server: DeployedService,
  part: OpenPart,
  stateDir: string,
): Promise<void> {
  await withScratch(stateDir, async (directory) => {
    const given = path.join(directory, "given.db");
    await unpackHistory(part, given);
    const content = readHistory(given);
    if (content.damage.length > 0) {
      throw new Problem(`the history file is damaged: ${content.damage[0]}`, { where: part.part.file });
    }
    if (counts !== undefined)
      requireCount(throwaway.stack, "history entries", content.entries, counts.historyEntries);
    const file = path.join(directory, "history.db");
    rewriteHistory(given, file);
    await bindToStack("the history file", content.identity, { identity, adopt }, async () =>
      bindHistory(file, identity, new Date()),
    );
    const { restored } = namesBeside(LIVE_FILES.history, id);
    const write = 'rm -f "$1" "$1-journal"; cat > "$1"; sync "$1"; sha256sum "$1"';
    const sum = await onStore(throwaway, server, write, [restored], {
      input: () => createReadStream(file),
    });
    if (sum.split(" ")[0] !== (await hashFile(file, "sha256"))) {
      throw new Problem("the history file did not arrive whole", { where: server.store });
    }
  });
}

/** What a throw-away Neo4j must have in common with the deployed one. */
export function graphImage({ image, user, memoryBytes, env }: DeployedService): Neo4jImage {
  return {
    image,
    user,
    memoryBytes,
    heap: env.NEO4J_HEAP ?? "384m",
    pageCache: env.NEO4J_PAGECACHE ?? "128m",
  };
}

/**
 * Makes sure that restored data is this stack's own, or binds it to the stack. Data of another stack is taken only on
 * purpose, and data of another embedder never: nothing would be found in it.
 */
async function bindToStack(
  what: string,
  found: Identity | undefined,
  { identity, adopt }: Pick<Preparation, "identity" | "adopt">,
  bind: () => Promise<void>,
): Promise<void> {
  if (
    found !== undefined &&
    (found.embedder !== identity.embedder || found.dimensions !== identity.dimensions)
  ) {
    throw new Problem(
      `${what} was embedded by ${found.embedder} (${found.dimensions} dimensions), this stack embeds by ` +
        `${identity.embedder} (${identity.dimensions})`,
      { mend: "set mem0:model to that of the backup in a new stack, and restore it there" },
    );
  }
  if (found?.instanceId === identity.instanceId) return;
  if (!adopt) {
    throw new Problem(
      found === undefined
        ? `${what} tells no identity: it was not written by this server`
        : `${what} belongs to instance ${found.instanceId}, this stack is ${identity.instanceId}`,
      { mend: "if you mean it: the same command with --adopt takes the data over" },
    );
  }
  await bind();
}

function requireCount(stack: string, what: string, found: number, wanted: number): void {
  if (found === wanted) return;
  throw new Problem(`the backup promises ${wanted} ${what}, restored were ${found}`, {
    mend: `nothing live was touched; take another backup: ./mem0 backups ${stack}`,
  });
}
