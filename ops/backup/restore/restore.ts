import type { WritesHeld } from "../../server/pause.ts";
import { backupId } from "../format/layout.ts";
import { withBackupLock } from "../lock.ts";
import { postgresForm, restoreBeside } from "./beside.ts";
import { type RestoreReport, startServer, swapIn, undo } from "./exchange.ts";
import {
  allows,
  type Journal,
  readJournal,
  removeJournal,
  requireJournal,
  unfinished,
  writeJournal,
} from "./journal.ts";
import { requireAsWritten, requireReadable, storesOf } from "./requirements.ts";
import type { Restorable } from "./restorable.ts";
import { requireRoom, roomOf } from "./room.ts";
import { backUpLive, withoutWrites } from "./safety.ts";
import { type RestoredStore, removeBeside, type SwapPlaces } from "./swap.ts";
import { type RestoreTools, withPlaces } from "./tools.ts";

export interface RestoreOptions {
  /** Only this store; all that the backup holds when left out. */
  only?: RestoredStore;
  /** The part of the backup that Postgres is restored from; the quickest that fits when left out. */
  from?: "dump" | "files";
  /** Takes over data of another instance, or of none. */
  adopt: boolean;
  /** Goes on without what a dump holds and no stack has. */
  leaveOutUnknown?: boolean;
  /** False on purpose only: what is live is then not backed up before. */
  safetyBackup: boolean;
}

/** What the journal says of Postgres when it is not restored. */
const UNUSED = { postgresFrom: "dump", postgresAs: "database" } as const;

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
    ...(stores.includes("postgres") ? await postgresForm(tools, backup, options.from) : UNUSED),
    adopt: options.adopt,
    leaveOutUnknown: options.leaveOutUnknown === true,
    phase: "preparing",
    safetyBackup: options.safetyBackup ? null : "none",
    memories: null,
  });
}

/**
 * Goes on with a restore that was cut off: restores beside the live data anew, or ends the swap. While the live data
 * still serves, it is backed up anew first: nothing else holds what was written since.
 *
 * @param open opens the backup that the journal names; needed only while nothing is restored yet
 */
export async function continueRestore(
  tools: RestoreTools,
  open: (directory: string) => Restorable,
): Promise<RestoreReport | undefined> {
  const journal = requireJournal(tools.stack, "continue");
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
  const journal = requireJournal(tools.stack, "roll-back");
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
  const journal = requireJournal(tools.stack, "finish");
  await withBackupLock(tools.stack.directory, () =>
    withPlaces(tools, (places) => removeAside(tools, places, journal, ["restored", "before"])),
  );
}

/** Verifies the backup, backs up what is live, restores beside it, and lets the two change places. */
async function restoreFrom(
  tools: RestoreTools,
  backup: Restorable,
  journal: Journal,
): Promise<RestoreReport> {
  const started = performance.now();
  const { report, stack } = tools;
  report("comparing checksums");
  await requireAsWritten(backup, stack.name);
  await requireReadable(backup);
  await requireRoom(roomOf(stack.docker, stack.container("postgres")));
  return withoutWrites(tools, async (held) => {
    // Outside of the lock, which the backup takes itself.
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
