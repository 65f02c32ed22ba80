import { mkdirSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import type { Driver } from "neo4j-driver-lite";
import pg from "pg";
import { z } from "zod";
import { Problem } from "../../base/problem.ts";
import { streamFromExec } from "../../docker/command.ts";
import { psql } from "../../docker/psql.ts";
import { Throwaway } from "../../docker/throwaway.ts";
import { type Imported, importLines } from "../../server/import.ts";
import type { Progress } from "../../server/transfer.ts";
import { deployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { lines } from "../format/streams.ts";
import { withThrowawayGraph } from "../stores/neo4j/restore.ts";
import { startGraph } from "../stores/neo4j/restore-graph.ts";
import { readContent } from "../stores/postgres/content.ts";
import { inPublic, type PostgresPlace } from "../stores/postgres/databases.ts";
import { restoreDatabase } from "../stores/postgres/restore.ts";
import { startThrowawayPostgres, THROWAWAY_POSTGRES } from "../stores/postgres/throwaway.ts";
import type { GraphParts } from "../stores/store.ts";
import { graphImage } from "./prepare.ts";
import type { Restorable } from "./restorable.ts";
import { roomOf, withinRoom } from "./room.ts";

const { escapeLiteral } = pg;

/** What of one user came back. */
export interface UserReport extends Imported {
  user: string;
  backup: string;
  /** In the backup. */
  memories: number;
}

/** Whose memories are wished for, and who is told how it goes. */
export interface UserWish {
  user: string;
  /** Goes on without what a dump holds and no stack has. */
  leaveOutUnknown?: boolean;
  report: (line: string) => void;
  progress: Progress;
}

/** What bringing back one user by way of the server's API cannot do; told after it was done. */
export const NOT_BROUGHT_BACK = [
  "memories that are there now stay as they are now, also where the backup has another text",
  "memories that the user made since stay",
  "the history of changes: a memory that comes back begins anew in it",
  "relations that were no longer valid, and when a relation was first seen",
] as const;

const OWN_KEYS = [
  "data",
  "hash",
  "created_at",
  "updated_at",
  "user_id",
  "agent_id",
  "run_id",
  "actor_id",
  "role",
];

/**
 * Brings back the memories and relations of one user from a backup, into the running stack and without touching
 * anybody else's.
 */
export async function restoreUser(
  stack: DeployedStack,
  backup: Restorable,
  { user, leaveOutUnknown = false, report, progress }: UserWish,
): Promise<UserReport> {
  const dump = backup.postgres;
  if (dump === undefined)
    throw new Problem(`backup ${backup.id} holds no dump of Postgres`, { where: backup.directory });
  mkdirSync(path.join(stack.directory, "backup"), { recursive: true, mode: 0o700 });
  const { docker, manifest } = stack;
  const { database, model } = manifest;
  const deployed = await deployedService(stack, "postgres");
  const throwaway = await Throwaway.open(docker, manifest, "restore");
  try {
    const room = roomOf(docker, deployed.container, throwaway.nameOf(THROWAWAY_POSTGRES));
    const { place, relations } = await withinRoom(
      room,
      () => throwaway.remove(),
      async () => {
        report("restoring Postgres in a throw-away server");
        const server = await startThrowawayPostgres(docker, throwaway, deployed, database);
        await restoreDatabase(server, dump, database.name, { searchable: false, leaveOutUnknown, report });
        const { graph } = backup;
        const told = graph === undefined ? [] : await readRelations(stack, throwaway, graph, user, report);
        return { place: server, relations: told };
      },
    );
    const { dimensions } = await readContent(place, database.name);
    const memories: { count: number } = { count: 0 };
    report(`importing what belongs to ${user}`);
    // Vectors of another embedder are not looked at by the server: it asks the model anew.
    const header = { type: "header", format: 1, embedder: model.embedder, dimensions: dimensions ?? 0 };
    const source = allLines(header, memoryLines(place, database.name, user, memories), relations);
    const imported = await importLines(
      stack.server,
      Readable.from(source, { objectMode: false }),
      {},
      progress,
    );
    if (memories.count === 0) {
      throw new Problem(`backup ${backup.id} holds no memory of ${user}`, {
        mend: `./mem0 backups ${stack.name} lists the others`,
      });
    }
    return { ...imported, user, backup: backup.id, memories: memories.count };
  } finally {
    await throwaway.remove();
  }
}

async function* allLines(
  header: object,
  memories: AsyncIterable<string>,
  relations: readonly object[],
): AsyncGenerator<Buffer> {
  const line = (text: string) => Buffer.from(`${text}\n`);
  yield line(JSON.stringify(header));
  for await (const memory of memories) yield line(memory);
  for (const relation of relations) yield line(JSON.stringify(relation));
  yield line(JSON.stringify({ type: "end" }));
}

async function readRelations(
  stack: DeployedStack,
  throwaway: Throwaway,
  parts: GraphParts,
  user: string,
  report: (line: string) => void,
): Promise<object[]> {
  report("restoring the graph in a throw-away Neo4j");
  const image = graphImage(await deployedService(stack, "neo4j"));
  return withThrowawayGraph(stack.docker, throwaway, image, async (graph) =>
    relationsOf(await startGraph(graph, parts), user),
  );
}

/** Memories as the server imports them, one JSON object a line. */
async function* memoryLines(
  { docker, container, user: role, collection }: PostgresPlace,
  database: string,
  user: string,
  counted: { count: number },
): AsyncGenerator<string> {
  const own = OWN_KEYS.map((key) => escapeLiteral(key)).join(", ");
  const text = `
    SELECT json_strip_nulls(json_build_object(
      'type', 'memory', 'id', id, 'memory', payload->>'data', 'user_id', payload->>'user_id',
      'agent_id', payload->>'agent_id', 'run_id', payload->>'run_id', 'actor_id', payload->>'actor_id',
      'role', payload->>'role', 'created_at', payload->>'created_at', 'updated_at', payload->>'updated_at',
      'metadata', payload - ARRAY[${own}], 'vector', vector::text::json))
    FROM ${inPublic(collection)} WHERE payload->>'user_id' = ${escapeLiteral(user)} ORDER BY id`;
  const command = [...psql(database, role), "-v", "FETCH_COUNT=200", "-c", text];
  const { stream, done } = await streamFromExec(docker, container, command);
  for await (const line of lines(stream)) {
    counted.count += 1;
    yield line;
  }
  await done;
}

/** Valid relations, as the server exports them. */
async function relationsOf(driver: Driver, user: string): Promise<object[]> {
  const { records } = await driver.executeQuery(
    `MATCH (n:__Entity__ {user_id: $user})-[r]->(m:__Entity__ {user_id: $user})
     WHERE r.valid IS NULL OR r.valid
     RETURN n.name AS source, type(r) AS relationship, m.name AS destination,
       head([l IN labels(n) WHERE l <> '__Entity__']) AS source_type,
       head([l IN labels(m) WHERE l <> '__Entity__']) AS destination_type,
       n.user_id AS user_id, n.agent_id AS agent_id, n.run_id AS run_id, coalesce(r.memory_ids, []) AS memory_ids,
       r.told_by AS told_by`,
    { user },
  );
  return records.map((record) => relationLine(record.toObject()));
}

/** A relation as the server imports it. */
export function relationLine({ told_by, ...relation }: Readonly<Record<string, unknown>>): object {
  const known = Object.entries(relation).filter(([, value]) => value !== null);
  const nodes = [relation.agent_id ?? null, relation.run_id ?? null];
  const tellers = Array.isArray(told_by) ? told_by.flatMap((mark) => tellerOf(mark, nodes)) : [];
  return {
    type: "relation",
    ...Object.fromEntries(known),
    ...(tellers.length > 0 ? { told_by: tellers } : {}),
  };
}

const pair = z.tuple([z.string().nullable(), z.string().nullable()]);

/**
 * Who left a mark in `told_by`, as agent and run: services/server/memory_server/graph_scope.py says what marks are. One
 * that no server writes tells of nobody.
 */
function tellerOf(mark: unknown, nodes: readonly unknown[]): unknown[] {
  if (mark === "") return [nodes];
  try {
    const { data } = pair.safeParse(JSON.parse(String(mark)));
    return data === undefined ? [] : [data];
  } catch {
    return [];
  }
}
