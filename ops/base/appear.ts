import { closeSync, constants, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";

/**
 * Makes a file appear with its content in one step, synced, for its owner alone: nobody ever reads half of it, and it
 * never takes the place of another.
 *
 * @returns whether it was this call that made it; false when one was there
 */
export function makeAppear(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`;
  // What a killed process of the same number has left; of a link the link alone.
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    closeSync(descriptor);
    rmSync(draft, { force: true });
  }
}
