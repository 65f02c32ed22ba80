import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, describeHolder, isHolderAlive, releaseLock } from "../ops/base/process-lock.ts";

/**
 * Holds `file` as a lock while `work` runs, so that two set-ups of one checkout take turns. The lock of a process
 * that is gone is taken over.
 *
 * @param onWait called once, when there is someone to wait for, with what a person wants to know of it
 */
export async function withLock<T>(
  file: string,
  onWait: (whom: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  let told = false;
  for (let holder = acquireLock(file); holder !== undefined; holder = acquireLock(file)) {
    if (!told && isHolderAlive(holder)) {
      told = true;
      onWait(`${describeHolder(holder)}; should it no longer exist: rm ${file}`);
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    releaseLock(file);
  }
}
