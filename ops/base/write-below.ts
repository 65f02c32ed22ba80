import { mkdirSync } from "node:fs";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { lookBelow } from "./below.ts";

/** Writes a file below `root`: whoever reads it sees the old or the new one, synced, and never half of it. */
export function writeBelow(
  root: string,
  file: string,
  text: string,
  { mode = 0o600, directoryMode = 0o700 } = {},
): void {
  lookBelow(root, file);
  mkdirSync(path.dirname(file), { recursive: true, mode: directoryMode });
  writeFileAtomic.sync(file, text, { mode });
}
