import { statfs } from "node:fs/promises";
import { secondsSince } from "../../base/elapsed.ts";
import type { Problem } from "../../base/problem.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { removeDeadPartials } from "../keep/unfinished.ts";
import { type BackupStatus, noteRun, updateStatus } from "../status-file.ts";
import type { Made, Taken, TakeOptions } from "./run.ts";

/** Runs a backup and notes how it ended for the exporter, with the time it took; also where the disk stands then. */
export async function noteEnd(
  stack: DeployedStack,
  { tier, now }: Pick<TakeOptions, "tier" | "now">,
  run: () => Promise<Made>,
): Promise<Taken> {
  const {
    directory,
    backup: { root, copyTo },
  } = stack;
  const started = performance.now();
  const time = now().toISOString();
  try {
    const taken: Taken = { ...(await run()), seconds: secondsSince(started) };
    updateStatus(directory, (status) => {
      const noted = noteTaken(status, tier, time, taken);
      const isCopied = copyTo !== undefined && taken.backup.manifest.result === "good";
      return isCopied ? noteCopy(noted, time, taken.copyFailure) : noted;
    });
    return taken;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const seconds = secondsSince(started);
    // Room on a full disk, at once; one that is not there has nothing to remove.
    await removeDeadPartials(root).catch(() => {});
    updateStatus(directory, (status) => noteRun(status, tier, { time, seconds, result: "failed", reason }));
    throw error;
  } finally {
    await stack.close();
    await noteDisk(stack, time);
  }
}

function noteTaken(
  status: BackupStatus,
  tier: TakeOptions["tier"],
  time: string,
  { backup: { id, bytes, manifest }, promoted, seconds }: Taken,
): BackupStatus {
  if (manifest.result === "suspect") {
    return noteRun(status, tier, { time, seconds, result: "suspect", reason: manifest.reasons.join("; ") });
  }
  const success = { time, seconds, bytes, memories: manifest.counts.memories, id };
  return [tier, ...promoted].reduce(
    (noted, served) => noteRun(noted, served, { time, seconds, result: "ok" }, success),
    status,
  );
}

function noteCopy(status: BackupStatus, time: string, failure: Problem | undefined): BackupStatus {
  if (failure === undefined) return { ...status, copy: { time, result: "ok" } };
  return { ...status, copy: { time, result: "failed", reason: failure.message } };
}

async function noteDisk({ directory, backup }: DeployedStack, time: string): Promise<void> {
  const disk = await statfs(backup.root).catch(() => undefined);
  if (disk === undefined) return;
  const { bavail, blocks, bsize } = disk;
  updateStatus(directory, (status) => ({
    ...status,
    disk: { time, freeBytes: bavail * bsize, sizeBytes: blocks * bsize },
  }));
}
