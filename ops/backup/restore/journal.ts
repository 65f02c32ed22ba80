import { rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readBelow } from "../../base/below.ts";
import { Problem } from "../../base/problem.ts";
import { writeBelow } from "../../base/write-below.ts";
import type { EngineLoss } from "../../docker/engine-watch.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { BACKUP_ID } from "../format/layout.ts";
import { POSTGRES_FORMS, RESTORED } from "./swap.ts";

/**
 * How far a restore has come, on the disk before each step begins:
 *
 * - `preparing`: the backup is being restored beside the live data, which serves; continued by beginning that anew
 * - `prepared`: what is beside is whole and verified, and the server is being stopped; the live data is as it was
 * - `swapping`: the server is stopped and the live data is being put aside; can go on or back
 * - `undoing`: the way back, which can only be gone to its end
 * - `done`: the restored data serves, what was live before lies aside
 * - `undone`: what was live before serves again, the restored data lies aside
 */
export const PHASES = ["preparing", "prepared", "swapping", "undoing", "done", "undone"] as const;

const journalSchema = z.strictObject({
  version: z.literal(1),
  /** When it was begun; part of the names of all that lies beside the live data. */
  id: z.string().regex(BACKUP_ID),
  stack: z.string(),
  /** The backup's directory. */
  backup: z.string(),
  stores: z.array(z.enum(RESTORED)).min(1),
  /** What lies beside the live Postgres, if that is restored. */
  postgresAs: z.enum(POSTGRES_FORMS).default("database"),
  /** The part of the backup that Postgres is restored from; up to version 0.1 it was told by `postgresAs` alone. */
  postgresFrom: z.enum(["dump", "files"]).optional(),
  /** Whether data of another instance is taken over. */
  adopt: z.boolean(),
  /** Whether what no stack has is left out of a dump. */
  leaveOutUnknown: z.boolean().default(false),
  phase: z.enum(PHASES),
  /** Backup of what was live, or that there is none on purpose. */
  safetyBackup: z.string().nullable(),
  /** Numbers that the restored stores must show, by store. */
  memories: z.int().nullable(),
});

export type Journal = z.output<typeof journalSchema>;

function journalFile(stateDir: string): string {
  return path.join(stateDir, "backup", "restore.json");
}

/** The restore that was last begun and not finished; undefined when there is none. */
export function readJournal(stateDir: string): Journal | undefined {
  const file = journalFile(stateDir);
  const text = readBelow(stateDir, file);
  if (text === undefined) return undefined;
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Problem("the journal of a restore cannot be read", {
      where: file,
      mend: "it says what lies beside the live data; look at it before you remove it",
      cause,
    });
  }
}

/** Synced and renamed into its place: a kill leaves the old one or the new one. */
export function writeJournal(stateDir: string, journal: Journal): void {
  const text = `${JSON.stringify(journalSchema.parse(journal), null, 2)}\n`;
  writeBelow(stateDir, journalFile(stateDir), text);
}

export function removeJournal(stateDir: string): void {
  rmSync(journalFile(stateDir), { force: true });
}

/** What may be done about a restore in each phase. */
export function allows(
  phase: Journal["phase"],
  wish: "continue" | "roll-back" | "finish" | "begin",
): boolean {
  switch (wish) {
    case "continue":
      return phase !== "done" && phase !== "undone";
    case "roll-back":
      return phase !== "undone";
    case "finish":
    case "begin":
      return phase === "done" || phase === "undone";
  }
}

/** What a restore leaves when the Docker engine goes away under it, and the way out. */
export function leftWithoutEngine(stateDir: string, stack: string): EngineLoss {
  const phase = readJournal(stateDir)?.phase;
  const again = `./mem0 up ${stack} starts what stands still; then the same command again`;
  if (phase === undefined) return { outcome: "nothing live was changed", mend: again };
  if (phase === "done" || phase === "undone")
    return { outcome: "the work on a restore that has ended was cut off", mend: again };
  const ways = `./mem0 restore --continue --stack ${stack}, or ./mem0 restore --roll-back --stack ${stack}`;
  return phase === "swapping" || phase === "undoing"
    ? { outcome: "data was being swapped, and the stack may not serve", mend: `once it runs: ${ways}` }
    : {
        outcome: "nothing live was changed, and unfinished copies may lie beside it",
        mend: `./mem0 up ${stack} starts what stands still; then ${ways}`,
      };
}

/**
 * While the live data is half put aside nothing else may touch the stack: it would start on a mixture.
 *
 * @throws Problem with the two ways out
 */
export function refuseUnfinishedRestore(stateDir: string): void {
  const journal = readJournal(stateDir);
  // In all other phases the live data is whole, and what lies beside it disturbs nobody.
  if (journal?.phase !== "swapping" && journal?.phase !== "undoing") return;
  throw new Problem(`a restore of stack ${journal.stack} was cut off while data was being swapped`, {
    where: journalFile(stateDir),
    mend: `./mem0 restore --continue --stack ${journal.stack}, or the way back: ./mem0 restore --roll-back --stack ${journal.stack}`,
  });
}

/**
 * The journal of the last restore, when what a person wishes may be done about it.
 *
 * @throws Problem that says what may be done instead
 */
export function requireJournal(stack: DeployedStack, wish: "continue" | "roll-back" | "finish"): Journal {
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

/** What a person reads who wants something else while a restore waits to be ended. */
export function unfinished({ id, stack, phase }: Journal): Problem {
  return new Problem(`the restore that was begun at ${id} has not ended: it was cut off while ${phase}`, {
    mend: `./mem0 restore --continue --stack ${stack}, or ./mem0 restore --roll-back --stack ${stack}`,
  });
}
