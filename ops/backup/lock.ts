import path from "node:path";
import { keepAwake } from "../base/keep-awake.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { acquireLock, describeHolder, releaseLock } from "../base/process-lock.ts";

import { removeScratch } from "./scratch.ts";

/** The one lock of a stack that backup, restore and drill take in turn. */
export function lockFile(stateDir: string): string {
  return path.join(stateDir, "backup", "lock");
}

/**
 * Runs `work` while nobody else backs up, restores or drills this stack, and a Mac stays awake. The lock of a dead process is taken over, and
 * what it had unpacked is removed.
 *
 * @throws Problem with exit code 6 that names the holder, when there is one
 */
export async function withBackupLock<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  const file = lockFile(stateDir);
  const holder = acquireLock(file);
  if (holder !== undefined) {
    throw new Problem(`another run is at work on this stack's backups: ${describeHolder(holder)}`, {
      where: file,
      mend: "wait for it; if that host no longer exists, remove the file",
      exitCode: ExitCode.busy,
    });
  }
  try {
    removeScratch(stateDir);
    return await keepAwake(work);
  } finally {
    releaseLock(file);
  }
}
