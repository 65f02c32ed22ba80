import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readManifest, stackDirectory } from "../../../../ops/stack/manifest-file.ts";

const home = mkdtempSync(path.join(os.tmpdir(), "manifest-"));
afterAll(() => rmSync(home, { recursive: true }));

describe("a manifest", () => {
  it.each([
    ["half written", '{"version": 1, "stack"'],
    ["of another version", '{"version": 2}'],
    ["of something else", "[]"],
  ])("that is %s is named, with the command that writes it again", (_, content) => {
    const directory = stackDirectory(home, "prd");
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, "manifest.json"), content);
    const problem = {
      message: "the manifest cannot be read",
      where: path.join(directory, "manifest.json"),
      mend: "./mem0 up prd",
    };
    expect(() => readManifest(home, "prd")).toThrow(expect.objectContaining(problem));
  });

  it("that was never written is no damaged one: the stack was never deployed", () => {
    expect(() => readManifest(home, "test")).toThrow("stack test was never deployed here");
  });
});
