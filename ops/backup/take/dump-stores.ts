import { ExitCode, Problem } from "../../base/problem.ts";
import { architectureOf } from "../../docker/client.ts";
import { type Held, holdStores } from "../../server/hold.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import type { PartFiles } from "../format/part-files.ts";
import { waitForAll } from "../format/streams.ts";
import type { Cut, Found } from "../stores/cut.ts";
import { historyDump } from "../stores/history/dump.ts";
import { neo4jDump } from "../stores/neo4j/dump.ts";
import { type BaseBackup, takeBaseBackup } from "../stores/postgres/base-backup.ts";
import { openSnapshot, postgresDump } from "../stores/postgres/dump.ts";
import { stackDump } from "../stores/stack/dump.ts";
import type { TakeOptions } from "./run.ts";

/** What was dumped, and what that cost those who use the stack. */
export interface Dumped {
  found: Found;
  cutAt: Date;
  /** How long writers were turned away. */
  pausedSeconds: number;
}

/**
 * Dumps all stores as they are at one moment: they are at rest while it is fixed, then each is copied while services go
 * on.
 */
export async function dumpStores(
  stack: DeployedStack,
  options: TakeOptions & { id: string; parts: PartFiles; signal: AbortSignal },
): Promise<Dumped> {
  const { tier, id, parts, report, signal } = options;
  const found: Found = { counts: {}, identities: {}, versions: {}, neo4jStoppedSeconds: 0 };
  const postgres = await stack.postgres();
  let files: BaseBackup | undefined;
  try {
    if (tier === "hourly" && stack.backup.hourlyFiles) {
      report("copying Postgres' files");
      const container = stack.container("postgres");
      files = await takeBaseBackup({ docker: stack.docker, container }, id, parts);
      found.architecture = await architectureOf(stack.docker, container);
    }
    report("waiting for writes under way");
    const atCut = async () => {
      const snapshot = await openSnapshot(postgres);
      await files?.markCut();
      return snapshot;
    };
    const held = await holdWhileServed(stack, atCut, options.writersAway);
    report(`writers waited ${held.pausedSeconds} s`);
    const cut: Cut = { id, tier, stack, snapshot: held.taken, found, stopNeo4j: tier !== "hourly", report };
    let released: Promise<void> | undefined;
    // Side by side: the hold ends as soon as the graph and the history are copied, Postgres has its snapshot.
    const heldStores = waitForAll([historyDump.dump(cut, parts), neo4jDump.dump(cut, parts)]).finally(() => {
      released = held.release();
      released.catch(() => {});
    });
    await waitForAll([
      postgresDump.dump(cut, parts),
      files?.writeLog(),
      heldStores,
      stackDump.dump(cut, parts),
    ]);
    await released;
    return { found, cutAt: held.cutAt, pausedSeconds: held.pausedSeconds };
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Problem("interrupted: there is no backup of this run, and nothing is left to tidy up", {
      exitCode: ExitCode.interrupted,
      cause,
    });
  } finally {
    await files?.close();
    await postgres.end().catch(() => {});
  }
}

/** With the server down nobody writes, and nothing has to be held. */
async function holdWhileServed<T>(
  stack: DeployedStack,
  atCut: () => Promise<T>,
  writersAway = false,
): Promise<Held<T>> {
  const isRunning = async () => {
    const { State } = await stack.docker.getContainer(stack.container("server")).inspect();
    return State.Running;
  };
  if (await isRunning()) return holdStores(stack.server, atCut, writersAway);
  const taken = await atCut();
  const release = async () => {
    if (await isRunning()) throw new Problem("the memory server was started while the stores were copied");
  };
  return { taken, cutAt: new Date(), pausedSeconds: 0, release };
}
