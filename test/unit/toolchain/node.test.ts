import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { lastingPath } from "../../../toolchain/steps/node.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";

const scratch = scratchDirectory();

/** Installs a Node as Homebrew does: each version in the Cellar, and `opt` pointing at the newest. */
function brew(version: string): string {
  const bin = path.join(scratch.path, "Cellar", "node@22", version, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, "node"), version);
  const opt = path.join(scratch.path, "opt");
  mkdirSync(opt, { recursive: true });
  rmSync(path.join(opt, "node@22"), { force: true });
  symlinkSync(path.join("..", "Cellar", "node@22", version), path.join(opt, "node@22"));
  return path.join(bin, "node");
}

describe("a Node of Homebrew's", () => {
  it("is named by a path that the next upgrade leaves", () => {
    const old = brew("22.18.0");
    const lasting = path.join(scratch.path, "opt", "node@22", "bin", "node");
    expect(lastingPath(old)).toBe(lasting);
    const newer = brew("22.19.0");
    expect(lastingPath(newer)).toBe(lasting);
    expect(lastingPath(old)).toBe(old);
    expect(lastingPath("/usr/bin/node")).toBe("/usr/bin/node");
  });
});
