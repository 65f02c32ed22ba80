import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../protocol/resource.ts";
import { hasStatus, ifExists } from "./client.ts";

/** How long a thing may still be in use when it is to go; the official plugin waits as long for its containers. */
const IN_USE_LIMIT_MS = 30_000;
const POLL_MS = 500;

/** Removes what containers may still hold: again until it is free. What is already gone is fine. */
export async function removeWhenFree(
  remove: () => Promise<unknown>,
  inUseStatus: number,
  operation: Operation,
): Promise<void> {
  const deadline = performance.now() + IN_USE_LIMIT_MS;
  for (;;) {
    try {
      await ifExists(remove());
      return;
    } catch (error) {
      if (!hasStatus(error, inUseStatus) || performance.now() > deadline) throw error;
      operation.progress.status("still in use by a container");
    }
    await sleep(POLL_MS, undefined, { signal: operation.signal });
  }
}
