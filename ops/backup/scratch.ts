import { rmSync } from "node:fs";
import path from "node:path";
import { makeBelow } from "../base/below.ts";

/**
 * Gives `work` a directory on this host for what has to be unpacked, readable by its owner alone, and removes it. Call
 * it under the stack's lock, whose next holder removes what a killed run left.
 */
export async function withScratch<T>(stateDir: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = scratchOf(stateDir);
  makeBelow(stateDir, directory);
  try {
    return await work(directory);
  } finally {
    removeScratch(stateDir);
  }
}

/** Removes what a killed run left unpacked: it may be what a backup holds encrypted. */
export function removeScratch(stateDir: string): void {
  rmSync(scratchOf(stateDir), { recursive: true, force: true });
}

function scratchOf(stateDir: string): string {
  return path.join(stateDir, "backup", "scratch");
}
