import { once } from "node:events";
import path from "node:path";
import { NEO4J_ANSWERS, postgresAnswers } from "../../../config/probes.ts";
import { secondsSince } from "../../base/elapsed.ts";
import { Problem } from "../../base/problem.ts";
import type { WritesHeld } from "../../server/pause.ts";
import { deployedService } from "../../stack/deployed-service.ts";
import { compareChecksums, compareOldChecksums } from "../format/checksums.ts";
import { backupId } from "../format/layout.ts";
import { withBackupLock } from "../lock.ts";
import { postgresForm, restoreBeside } from "./beside.ts";
import { allows, type Journal, readJournal, removeJournal, writeJournal } from "./journal.ts";
import type { Restorable } from "./restorable.ts";
import { requireRoom, roomOf } from "./room.ts";
import { backUpLive, withoutWrites } from "./safety.ts";
import { startOthers, startService, stopService, untilServerReady } from "./services.ts";
import {
  RESTORED,
  type RestoredStore,
  removeBeside,
  type SwapPlaces,
  serviceOnFiles,
  swapStore,
} from "./swap.ts";
import { type RestoreTools, withPlaces } from "./tools.ts";

export interface RestoreOptions {
  /** Only this store; all that the backup holds when left out. */
  only?: RestoredStore;
  /** From what of the backup Postgres is restored; the quickest that fits when left out. */
  from?: "dump" | "files";
  /** Takes over data of another instance, or of none. */
  adopt: boolean;
  /** False on purpose only: what is live is then not backed up before. */
  safetyBackup: boolean;
}

export interface RestoreReport {
  backup: string;
  stores: RestoredStore[];
  /** Live now; undefined when Postgres was not restored. */
  memories: number | undefined;
  safetyBackup: string | undefined;
  /** From the first byte to the stack that serves what was restored. */
  seconds: number;
  /** How long the stack did not serve. */
  downSeconds: number;
  /** What an old backup did not hold or prove. */
  lacks: string[];
}

/** Restores a backup beside the live data, verifies it there, and then lets it take the live data's place. */
export async function restore(
  tools: RestoreTools,
  backup: Restorable,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { stack } = tools;
  const before = readJournal(stack.directory);
  if (before !== undefined && !allows(before.phase, "begin")) throw unfinished(before);
  const stores = storesOf(backup, options.only);
  return restoreFrom(tools, backup, {
    version: 1,
    id: backupId(tools.now()),
    stack: stack.name,
    backup: backup.directory,
    stores,
    postgresAs: stores.includes("postgres") ? await postgresForm(tools, backup, options.from) : "database",
    adopt: options.adopt,
    phase: "preparing",
    safetyBackup: options.safetyBackup ? null : "none",
    memories: null,
  });
}

/**
 * Goes on with a restore that was cut off: makes the copies anew, or ends the swap. What was written since is in the
 * live data only, as long as that serves: it is backed up anew then.
 *
 * @param open opens the backup that the journal names; needed only while there are no copies yet
 */
export async function continueRestore(
  tools: RestoreTools,
  open: (directory: string) => Restorable,
): Promise<RestoreReport | undefined> {
  const journal = requireJournal(tools, "continue");
  if (journal.phase === "preparing") return restoreFrom(tools, open(journal.backup), journal);
  const started = performance.now();
  const goOn = (from: Journal) =>
    withBackupLock(tools.stack.directory, () => swapIn(tools, from, [], started));
  if (journal.phase === "prepared") {
    return withoutWrites(tools, async (held) => {
      const safetyBackup = await backUpLive(tools, journal);
      await held.requireLasting();
      return goOn({ ...journal, safetyBackup });
    });
  }
  if (journal.phase === "swapping") return goOn(journal);
  await withBackupLock(tools.stack.directory, () => undo(tools, journal));
  return undefined;
}

/** Lets what was live before a restore serve again. */
export async function rollBack(tools: RestoreTools): Promise<Journal["phase"]> {
  const journal = requireJournal(tools, "roll-back");
  await withBackupLock(tools.stack.directory, async () => {
    if (journal.phase !== "preparing" && journal.phase !== "prepared") return undo(tools, journal);
    return withPlaces(tools, async (places) => {
      await removeAside(tools, places, journal, ["restored"]);
      if (journal.phase === "prepared") await startServer(tools, places);
    });
  });
  return journal.phase;
}

/** Removes what an ended restore, or its way back, has left aside. */
export async function finishRestore(tools: RestoreTools): Promise<void> {
  const journal = requireJournal(tools, "finish");
  await withBackupLock(tools.stack.directory, () =>
    withPlaces(tools, (places) => removeAside(tools, places, journal, ["restored", "before"])),
  );
}

async function restoreFrom(
  tools: RestoreTools,
  backup: Restorable,
  journal: Journal,
): Promise<RestoreReport> {
  const started = performance.now();
  const { report, stack } = tools;
  report("comparing checksums");
  const { manifest, directory, id } = backup;
  const compared =
    manifest === undefined ? compareOldChecksums(directory) : compareChecksums({ manifest, directory });
  await compared.catch((cause: Error) => {
    const mend = `take another one: ./mem0 backups ${stack.name}`;
    throw new Problem(`backup ${id} is damaged: ${cause.message}`, { where: directory, mend });
  });
  await requireReadable(backup);
  await requireRoom(roomOf(stack.docker, stack.container("postgres")));
  return withoutWrites(tools, async (held) => {
    // Taking it holds the lock by itself.
    const begun: Journal = { ...journal, safetyBackup: await backUpLive(tools, journal) };
    return withBackupLock(stack.directory, async () => {
      const earlier = readJournal(stack.directory);
      if (earlier !== undefined && earlier.id !== journal.id) {
        report("removing what the restore before this one left aside");
        await withPlaces(tools, (places) => removeAside(tools, places, earlier, ["restored", "before"]));
      }
      writeJournal(stack.directory, begun);
      const memories = await prepareOrTidy(tools, backup, begun, held);
      const ready: Journal = { ...begun, phase: "prepared", memories: memories ?? null };
      writeJournal(stack.directory, ready);
      return swapIn(tools, ready, backup.lacks, started);
    });
  });
}

/** A wrong identity is found before anything is done. */
async function requireReadable({ id, manifest, history, postgres }: Restorable): Promise<void> {
  const part = history ?? postgres;
  if (manifest?.encryption == null || part === undefined) return;
  const stream = part.open();
  try {
    await once(stream, "readable");
  } catch (cause) {
    throw new Problem(`the identity does not open backup ${id}`, {
      mend: "--identity FILE, with the age identity of one of its recipients",
      cause,
    });
  } finally {
    stream.destroy();
  }
}

async function prepareOrTidy(
  tools: RestoreTools,
  backup: Restorable,
  journal: Journal,
  held: WritesHeld,
): Promise<number | undefined> {
  try {
    const memories = await withPlaces(tools, (places) => restoreBeside(tools, places, backup, journal));
    await held.requireLasting();
    return memories;
  } catch (error) {
    tools.report("removing the unfinished copies; nothing live was touched");
    await withPlaces(tools, (places) => removeAside(tools, places, journal, ["restored"])).catch(() => {
      tools.report(`they could not be removed: ./mem0 restore --roll-back --stack ${journal.stack} does it`);
    });
    throw error;
  }
}

async function swapIn(
  tools: RestoreTools,
  journal: Journal,
  lacks: string[],
  started: number,
): Promise<RestoreReport> {
  const { stack, report } = tools;
  const downSince = performance.now();
  await stopServer(tools);
  writeJournal(stack.directory, { ...journal, phase: "swapping" });
  await swapAll(tools, journal, "forward");
  writeJournal(stack.directory, { ...journal, phase: "done" });
  report("the restored data serves");
  return {
    backup: path.basename(journal.backup),
    stores: journal.stores,
    memories: journal.memories ?? undefined,
    safetyBackup: journal.safetyBackup === "none" ? undefined : (journal.safetyBackup ?? undefined),
    seconds: secondsSince(started),
    downSeconds: secondsSince(downSince),
    lacks: [
      ...lacks,
      ...(journal.stores.length < RESTORED.length ? [onlySome(journal.stores, stack.name)] : []),
    ],
  };
}

function onlySome(stores: RestoredStore[], stack: string): string {
  return `only ${stores.join(" and ")} of stack ${stack} was restored: the other stores may speak of what it does not hold`;
}

async function undo(tools: RestoreTools, journal: Journal): Promise<void> {
  const { stack, report } = tools;
  writeJournal(stack.directory, { ...journal, phase: "undoing" });
  await stopServer(tools);
  await swapAll(tools, journal, "back");
  writeJournal(stack.directory, { ...journal, phase: "undone" });
  report("what was live before serves again");
}

async function stopServer({ stack, report }: RestoreTools): Promise<void> {
  report("stopping the memory server");
  await stopService(stack.docker, await deployedService(stack, "server"));
}

/** Stops the stores whose files change, swaps, and starts them and the server again. Every step may be repeated. */
async function swapAll(tools: RestoreTools, journal: Journal, direction: "forward" | "back"): Promise<void> {
  const { stack, report } = tools;
  await withPlaces(tools, async (places) => {
    const stopped = [
      { store: "postgres", named: "Postgres", healthy: postgresAnswers(stack.manifest.database) },
      { store: "neo4j", named: "Neo4j", healthy: NEO4J_ANSWERS },
    ] as const;
    const services = stopped.flatMap(({ store, named, healthy }) => {
      const service = journal.stores.includes(store) ? serviceOnFiles(store, places, journal) : undefined;
      return service === undefined ? [] : [{ service, named, healthy }];
    });
    const swapped = services.map(({ service }) => service.container);
    await startOthers(stack, [...swapped, places.server.container]);
    for (const { service, named } of services) {
      report(`stopping ${named}`);
      await stopService(stack.docker, service);
    }
    for (const store of journal.stores) {
      report(
        `${direction === "forward" ? "putting the restored" : "putting back the former"} ${store} in its place`,
      );
      await swapStore(store, direction, places, journal);
    }
    for (const { service, named, healthy } of services) {
      report(`starting ${named}`);
      await startService(stack, service, healthy);
    }
    await startServer(tools, places);
  });
}

async function startServer({ stack, report }: RestoreTools, { server }: SwapPlaces): Promise<void> {
  report("starting the memory server");
  await startService(stack, server);
  await untilServerReady(stack, server);
}

/** Removes what a restore has laid or left beside the live data, and its journal. */
async function removeAside(
  { stack }: RestoreTools,
  places: SwapPlaces,
  journal: Journal,
  which: readonly ("restored" | "before")[],
): Promise<void> {
  for (const store of journal.stores) await removeBeside(store, which, places, journal);
  removeJournal(stack.directory);
}

/** @throws Problem when the backup lacks what is asked for, or holds nothing */
function storesOf(backup: Restorable, only: RestoredStore | undefined): RestoredStore[] {
  const held: Record<RestoredStore, unknown> = {
    postgres: backup.postgres,
    neo4j: backup.graph,
    history: backup.history,
  };
  const stores = RESTORED.filter((store) => held[store] !== undefined);
  if (only !== undefined && !stores.includes(only)) {
    throw new Problem(`backup ${backup.id} holds no ${only}`, { where: backup.directory });
  }
  return only === undefined ? stores : [only];
}

function requireJournal({ stack }: RestoreTools, wish: "continue" | "roll-back" | "finish"): Journal {
  const journal = readJournal(stack.directory);
  if (journal === undefined) {
    throw new Problem(`no restore of stack ${stack.name} is known`, {
      mend: `./mem0 backups ${stack.name} lists what can be restored`,
    });
  }
  if (allows(journal.phase, wish)) return journal;
  if (wish === "finish") throw unfinished(journal);
  throw new Problem(
    journal.phase === "done"
      ? "the last restore has ended; there is nothing to go on with"
      : "the last restore was rolled back already",
    { mend: `./mem0 restore --finish --stack ${stack.name} removes what it left aside` },
  );
}

function unfinished({ id, stack, phase }: Journal): Problem {
  return new Problem(`the restore that was begun at ${id} has not ended: it was cut off while ${phase}`, {
    mend: `./mem0 restore --continue --stack ${stack}, or ./mem0 restore --roll-back --stack ${stack}`,
  });
}
