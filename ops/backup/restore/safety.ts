import { Problem } from "../../base/problem.ts";
import { holdWrites, type WritesHeld } from "../../server/pause.ts";
import { takeBackup } from "../take/take.ts";
import type { Journal } from "./journal.ts";
import type { RestoreTools } from "./tools.ts";

/**
 * Turns writers away before what is live is backed up, and until something else takes its place: nothing that was
 * acknowledged lies in the former data alone.
 */
export async function withoutWrites<T>(
  { stack, report }: RestoreTools,
  work: (held: WritesHeld) => Promise<T>,
): Promise<T> {
  report("waiting for writes under way");
  const held = await holdWrites(stack);
  try {
    return await work(held);
  } finally {
    await held.end();
  }
}

/**
 * Backs up what is live, and keeps that for good.
 *
 * @returns the backup's id; `none` when there is none on purpose
 */
export async function backUpLive(
  { report, stack, now, toolVersion }: RestoreTools,
  journal: Journal,
): Promise<string> {
  if (journal.safetyBackup === "none") return "none";
  report("backing up what is live");
  try {
    const { backup } = await takeBackup(stack, {
      tier: "hourly",
      pin: `before-restore-${journal.id}`,
      writersAway: true,
      keepAll: true,
      toolVersion,
      now,
      report,
    });
    return backup.id;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Problem(`what is live cannot be backed up first: ${reason}`, {
      mend:
        `./mem0 status ${stack.name}; if it is beyond backing up, the same command with --no-safety-backup ` +
        `(what is live is still kept aside until ./mem0 restore --finish --stack ${stack.name})`,
      cause,
    });
  }
}
