import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildContexts, hashBuildContext } from "../../../components/build-context.ts";
import { BUILT_SERVICES, SOURCES } from "../../../config/names.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { contextEntries } from "../../../toolchain/plugins/docker/build-context.ts";
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

describe("what images share", () => {
  const scratch = scratchDirectory();
  const shared = "shared/entrypoint.sh";

  beforeEach(() => {
    const heavy = /\/(node_modules|tests|\.\w+)$/;
    cpSync(path.join(CHECKOUT, "services"), path.join(scratch.path, "services"), {
      recursive: true,
      filter: (file) => !heavy.test(file) || file.endsWith("/.dockerignore"),
    });
  });

  it("is in the context of every image that copies it, and of no other", async () => {
    const contexts = buildContexts(scratch.path, "mem0/base:1");
    for (const service of BUILT_SERVICES) {
      const directory = path.join(scratch.path, contexts[service].directory);
      const copies = readFileSync(path.join(directory, "Dockerfile"), "utf8").includes(`COPY ${shared} `);
      const sent = await contextEntries(directory, "Dockerfile");
      expect(sent.includes(shared), service).toBe(copies);
    }
  });

  it("changes the images that take it, and no other", () => {
    const hashes = () => {
      const contexts = buildContexts(scratch.path, "mem0/base:1");
      return Object.fromEntries(BUILT_SERVICES.map((service) => [service, contexts[service].hash]));
    };
    const before = hashes();
    writeFileSync(path.join(scratch.path, "services", shared), "another text");
    const after = hashes();
    expect(BUILT_SERVICES.filter((service) => after[service] !== before[service])).toEqual([
      "postgres",
      "neo4j",
      "prometheus",
    ]);
  });

  it("is written only where it differs", () => {
    const copy = path.join(scratch.path, "services/postgres", shared);
    buildContexts(scratch.path, "mem0/base:1");
    const { ino } = statSync(copy);
    buildContexts(scratch.path, "mem0/base:1");
    expect(statSync(copy).ino).toBe(ino);
  });
});
