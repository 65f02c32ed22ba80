import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";

/** A directory of its own for every test of a file, gone after it. */
export function scratchDirectory(): { readonly path: string } {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), "mem0-test-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  return {
    get path() {
      return directory;
    },
  };
}
