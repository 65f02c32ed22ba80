import { statfs } from "node:fs/promises";
import { secondsSince } from "../../base/elapsed.ts";
import { ExitCode, Problem } from "../../base/problem.ts";
import { architectureOf, withDocker } from "../../docker/client.ts";
import { whileEngineRuns } from "../../docker/engine-watch.ts";
import { Throwaway } from "../../docker/throwaway.ts";
import { type Held, holdStores } from "../../server/hold.ts";
import type { BackupSettings, DeployedStack } from "../../stack/deployed-stack.ts";
import type { Counts } from "../format/backup-manifest.ts";
import { backupId, FILES, type Tier, timeOf } from "../format/layout.ts";
import { type OnBytes, PartFiles } from "../format/part-files.ts";
import { all } from "../format/streams.ts";
import { type Backup, isWhole, newestGood, readBackup, readCatalogue } from "../keep/catalogue.ts";
import { copyElsewhere } from "../keep/copy-elsewhere.ts";
import { prune } from "../keep/keeping.ts";
import { promotions } from "../keep/promotion.ts";
import type { RetentionPolicy } from "../keep/retention.ts";
import { ensureRoot, isOpenToOthers, ownerOf, type RootOwner, unwritable } from "../keep/root.ts";
import { withBackupLock } from "../lock.ts";
import { noteRun, updateStatus } from "../status-file.ts";
import { historyDump } from "../stores/history/dump.ts";
import { neo4jDump } from "../stores/neo4j/dump.ts";
import { mendNeo4j } from "../stores/neo4j/store-copy.ts";
import { openSnapshot, postgresDump } from "../stores/postgres/dump.ts";
import { copyFiles, type FilesCopy } from "../stores/postgres/dump-files.ts";
import { stackDump } from "../stores/stack/dump.ts";
import { begin } from "./beginning.ts";
import { type Cut, type Found, NO_IDENTITY } from "./cut.ts";
import { reasonsForDoubt } from "./guard.ts";
import { beginPartial, promote, removeDeadPartials, seal, writeSynced } from "./sealing.ts";

export interface TakeOptions {
  tier: Tier;
  /** Name under which the backup is kept for good. */
  pin?: string | undefined;
  /** Whoever asks for it keeps writers away by itself, as a restore does before the swap. */
  writersAway?: boolean;
  /** Nothing is removed: the backup that is about to be restored must stay. */
  keepAll?: boolean;
  toolVersion: string;
  /** The clock. */
  now: () => Date;
  report: (line: string) => void;
  onBytes?: OnBytes;
  signal?: AbortSignal;
}

/** How a run ended. */
export interface Taken {
  backup: Backup;
  /** Further tiers that the same bytes serve. */
  promoted: Tier[];
  seconds: number;
  /** Why the copy elsewhere failed; undefined when it did not, or none is wanted. */
  copyFailure: Problem | undefined;
}

/**
 * Makes one backup: lock, mend what a dead run left, one cut through all stores, services go on, judge, seal, copy
 * elsewhere. Leaves word of how it went for the exporter, whatever happens.
 *
 * @throws Problem when there is no backup; nothing unfinished counts as one
 */
export async function takeBackup(stack: DeployedStack, options: TakeOptions): Promise<Taken> {
  const stateDir = stack.directory;
  const { root, copyTo } = stack.backup;
  return withBackupLock(stateDir, async () => {
    const started = performance.now();
    const time = options.now().toISOString();
    try {
      const taken = await withDocker(stack.dockerHost, () => take(stack, options, started));
      const { backup, seconds, copyFailure } = taken;
      const { manifest: made, bytes, id } = backup;
      const suspect = made.result === "suspect";
      const success = { time, seconds, bytes, memories: made.counts.memories, id };
      updateStatus(stateDir, (status) => {
        const run = { time, seconds, result: suspect ? ("suspect" as const) : ("ok" as const) };
        let next = noteRun(
          status,
          options.tier,
          suspect ? { ...run, reason: made.reasons.join("; ") } : run,
          suspect ? undefined : success,
        );
        for (const tier of taken.promoted) next = noteRun(next, tier, run, success);
        return next;
      });
      if (!suspect && copyTo !== undefined) noteCopy(stateDir, time, copyFailure);
      return taken;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const seconds = secondsSince(started);
      // Room on a full disk, at once; one that is not there has nothing to remove.
      await removeDeadPartials(root).catch(() => {});
      updateStatus(stateDir, (status) =>
        noteRun(status, options.tier, { time, seconds, result: "failed", reason }),
      );
      throw error;
    } finally {
      await stack.close();
      await noteDisk(stateDir, root, time);
    }
  });
}

async function take(stack: DeployedStack, options: TakeOptions, started: number): Promise<Taken> {
  const { tier, report, now } = options;
  const { backup: settings, manifest } = stack;
  const { root } = settings;
  const owner = ownerOf(stack);
  if (ensureRoot(root, owner).made) report(`made ${root} a backup root`);
  if (settings.recipients.length === 0 && isOpenToOthers(root)) {
    report(
      `${root} keeps no permissions: everybody on this machine can read the backups; mem0:backup.recipients encrypts them`,
    );
  }
  const directory = await onDisk(root, async () => {
    for (const name of await removeDeadPartials(root))
      report(`removed ${name}, left by a run that was cut off`);
    return beginPartial(root, `${tier}-${backupId(now())}`);
  });
  await Throwaway.removeLeftovers(stack.docker, manifest);
  const mended = await mendNeo4j(stack);
  if (mended) report("started Neo4j, which a run that was cut off had stopped");

  const signal = options.signal ?? new AbortController().signal;
  const files = new PartFiles(directory, settings.recipients, options.onBytes, signal);
  const { id, startedAt } = await begin(root, readCatalogue(root), now);
  const cut = await whileEngineRuns(
    stack.dockerHost,
    () => onDisk(root, () => dumpAll(stack, { ...options, signal, id, files })),
    () => ({
      outcome: "there is no backup of this run",
      mend: `./mem0 up ${stack.name} starts what stands still, then: ./mem0 backup ${stack.name} --tier ${tier}`,
    }),
  );

  const last = newestGood(readCatalogue(root))?.manifest;
  const { identities, counts, versions } = cut.found;
  const identity = identities.postgres ?? NO_IDENTITY;
  const expected = {
    instanceId: manifest.instanceId,
    embedder: manifest.model.embedder,
    dimensions: manifest.model.dimensions,
  };
  const reasons = reasonsForDoubt(
    { identity, identities, counts: counts as Counts },
    expected,
    last,
    settings.maxDropShare,
  );
  return onDisk(root, async () => {
    if (options.pin !== undefined) await writeSynced(`${directory}/${FILES.pin}`, `${options.pin}\n`);
    const result = reasons.length === 0 ? "good" : "suspect";
    const sealed = await seal(root, directory, files, {
      version: 1,
      id,
      tier,
      stack: stack.name,
      result,
      reasons,
      startedAt: startedAt.toISOString(),
      cutAt: cut.cutAt.toISOString(),
      finishedAt: now().toISOString(),
      toolVersion: options.toolVersion,
      identity,
      counts: counts as Counts,
      versions: { postgres: "", pgvector: "", neo4j: "", ...versions },
      collection: manifest.database.collection,
      ...(cut.found.architecture === undefined ? {} : { architecture: cut.found.architecture }),
      encryption: settings.recipients.length === 0 ? null : { recipients: settings.recipients },
      writesHeldSeconds: cut.pausedSeconds,
      neo4jStoppedSeconds: cut.found.neo4jStoppedSeconds,
    });
    const backup = readBackup({ id, tier, directory: sealed, suspect: result === "suspect" });
    if (!isWhole(backup))
      throw new Problem(`the backup was damaged on its way to the disk: ${backup.reason}`);
    if (result === "suspect") {
      return { backup, promoted: [], seconds: secondsSince(started), copyFailure: undefined };
    }
    const promoted = await promoteAll(root, backup, report);
    if (options.keepAll !== true) tidy(root, settings.keep, now(), report);
    const copyFailure = await copyAway(backup, settings.copyTo, owner, report);
    return { backup, promoted, seconds: secondsSince(started), copyFailure };
  });
}

/** The stores are at rest for a moment, then each is copied while services go on. */
async function dumpAll(
  stack: DeployedStack,
  {
    tier,
    id,
    files,
    report,
    signal,
    writersAway,
  }: TakeOptions & { id: string; files: PartFiles; signal: AbortSignal },
): Promise<{ found: Found; cutAt: Date; pausedSeconds: number }> {
  const found: Found = { counts: {}, identities: {}, versions: {}, neo4jStoppedSeconds: 0 };
  const postgres = await stack.postgres();
  let copy: FilesCopy | undefined;
  try {
    if (tier === "hourly" && stack.backup.hourlyFiles) {
      report("copying Postgres' files");
      const container = stack.container("postgres");
      copy = await copyFiles({ docker: stack.docker, container }, id, files);
      found.architecture = await architectureOf(stack.docker, container);
    }
    report("waiting for writes under way");
    const atCut = async () => {
      const snapshot = await openSnapshot(postgres);
      await copy?.markCut();
      return snapshot;
    };
    const held = await holdIfServed(stack, atCut, writersAway);
    report(`writers waited ${held.pausedSeconds} s`);
    let released: Promise<void> | undefined;
    const cut: Cut = {
      id,
      tier,
      stack,
      snapshot: held.taken,
      found,
      stopNeo4j: tier !== "hourly",
      report,
      signal,
    };
    // Side by side: the hold ends as soon as the graph and the history are copied, Postgres has its snapshot.
    const heldStores = all([historyDump.dump(cut, files), neo4jDump.dump(cut, files)]).finally(() => {
      released = held.release();
      released.catch(() => {});
    });
    await all([postgresDump.dump(cut, files), copy?.writeLog(), heldStores, stackDump.dump(cut, files)]);
    await released;
    return { found, cutAt: held.cutAt, pausedSeconds: held.pausedSeconds };
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Problem("interrupted: there is no backup of this run, and nothing is left to tidy up", {
      exitCode: ExitCode.interrupted,
      cause,
    });
  } finally {
    await copy?.close();
    await postgres.end().catch(() => {});
  }
}

/** With the server down nobody writes, and nothing has to be held. */
async function holdIfServed<T>(
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

async function promoteAll(root: string, backup: Backup, report: (line: string) => void): Promise<Tier[]> {
  if (backup.tier !== "daily") return [];
  const catalogue = readCatalogue(root);
  const newest = (tier: Tier) => timeOf(newestGood(catalogue, (entry) => entry.tier === tier)?.id ?? "");
  const at = timeOf(backup.id) ?? new Date(backup.manifest.startedAt);
  const tiers = promotions(at, { weekly: newest("weekly"), monthly: newest("monthly") });
  for (const tier of tiers) {
    await promote(root, backup, tier);
    report(`it is also the ${tier} one`);
  }
  return tiers;
}

/** A good backup is the moment at which old ones may go; why none does is told, and harms nothing. */
function tidy(root: string, keep: RetentionPolicy, now: Date, report: (line: string) => void): void {
  const { removed, stopped } = prune(root, keep, now);
  for (const { tier, id } of removed) report(`removed ${tier} ${id}, which the settings no longer keep`);
  if (stopped !== undefined) report(stopped);
}

async function copyAway(
  backup: Backup,
  target: BackupSettings["copyTo"],
  owner: RootOwner,
  report: (line: string) => void,
): Promise<Problem | undefined> {
  if (target === undefined) return undefined;
  report("copying it elsewhere");
  try {
    await copyElsewhere(backup, target, owner);
    return undefined;
  } catch (error) {
    return error instanceof Problem
      ? error
      : new Problem(`the copy elsewhere failed: ${error}`, { cause: error });
  }
}

function noteCopy(stateDir: string, time: string, failure: Problem | undefined): void {
  const copy =
    failure === undefined
      ? { time, result: "ok" as const }
      : { time, result: "failed" as const, reason: failure.message };
  updateStatus(stateDir, (status) => ({ ...status, copy }));
}

async function noteDisk(stateDir: string, root: string, time: string): Promise<void> {
  const disk = await statfs(root).catch(() => undefined);
  if (disk === undefined) return;
  const { bavail, blocks, bsize } = disk;
  updateStatus(stateDir, (status) => ({
    ...status,
    disk: { time, freeBytes: bavail * bsize, sizeBytes: blocks * bsize },
  }));
}

async function onDisk<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw diskProblem(root, cause);
  }
}

/** Errors of the file system in words; all others as they are. */
function diskProblem(root: string, cause: unknown): unknown {
  const isOfDisk = cause instanceof Error && "code" in cause && "syscall" in cause && !("address" in cause);
  return isOfDisk ? unwritable(root, cause) : cause;
}
