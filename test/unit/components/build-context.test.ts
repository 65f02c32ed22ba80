import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashBuildContext } from "../../../components/build-context.ts";
import { BUILT_SERVICES, SOURCES } from "../../../config/names.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { leaveFinderFiles } from "../../harness/support/finder.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";

describe("the hash of a build context", () => {
  let directory: string;
  let before: string;
  const hash = () => hashBuildContext(directory, ["mem0/base:1"]);
  const write = (name: string, content: string) => writeFileSync(path.join(directory, name), content);

  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), "mem0-context-"));
    mkdirSync(path.join(directory, "src"));
    mkdirSync(path.join(directory, "tests"));
    write("Dockerfile", "FROM scratch");
    write("src/app.py", "one");
    write("tests/test_app.py", "test");
    write(".dockerignore", "tests\n");
    before = hash();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("stays the same when nothing changes", () => {
    expect(hash()).toBe(before);
  });

  it("changes with a file's content", () => {
    write("src/app.py", "two");
    expect(hash()).not.toBe(before);
  });

  it("changes when content moves from one file to another", () => {
    write("src/app.py", "");
    write("src/app.pyone", "");
    expect(hash()).not.toBe(before);
  });

  it("changes when a script becomes executable", () => {
    chmodSync(path.join(directory, "src/app.py"), 0o755);
    expect(hash()).not.toBe(before);
  });

  it("changes with the base image", () => {
    expect(hashBuildContext(directory, ["mem0/base:2"])).not.toBe(before);
  });

  it("changes with the Dockerfile, even where .dockerignore names it", () => {
    write(".dockerignore", "tests\nDockerfile\n");
    before = hash();
    write("Dockerfile", "FROM scratch\nLABEL a=b");
    expect(hash()).not.toBe(before);
  });

  it("does not change with what .dockerignore excludes", () => {
    write("tests/test_app.py", "another test");
    expect(hash()).toBe(before);
  });
});

describe("the build context of a service", () => {
  const scratch = scratchDirectory();

  it.each(BUILT_SERVICES)("%s does not change when the Finder has looked into its folders", (service) => {
    const source = SOURCES[service] ?? service;
    const copy = path.join(scratch.path, source);
    cpSync(path.join(CHECKOUT, "services", source), copy, { recursive: true });
    const before = hashBuildContext(copy, []);
    const entries = readdirSync(copy, { recursive: true, withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory());
    for (const folder of [copy, ...folders.map(({ parentPath, name }) => path.join(parentPath, name))]) {
      leaveFinderFiles(folder);
    }
    expect(hashBuildContext(copy, [])).toBe(before);
  });
});
