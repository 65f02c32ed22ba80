import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, isHolderAlive, releaseLock } from "../ops/base/process-lock.ts";

/**
 * Holds `file` as a lock while `work` runs, so that two set-ups of one checkout take turns. The lock of a process
 * that is gone is taken over.
 *
 * @param onWait called once, with the other's process id, when there is someone to wait for
 */
export async function withLock<T>(
  file: string,
  onWait: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  let told = false;
  for (let holder = acquireLock(file); holder !== undefined; holder = acquireLock(file)) {
    if (!told && isHolderAlive(holder)) {
      told = true;
      onWait(holder.pid);
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    releaseLock(file);
  }
}
