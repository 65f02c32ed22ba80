import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { affected, partOf } from "../../runner/affected.ts";
import { LONGEST_FIRST } from "../../runner/suites.ts";

const parts = (...files: string[]) => [...affected(files)].toSorted();
const ALL = parts("a file that no rule names");
const tests = globSync(["test/engine/**/*.test.ts", "test/e2e/**/*.test.ts"], { cwd: CHECKOUT });

describe("what a change can reach", () => {
  it("is everything when the file is unknown, or what all is built from", () => {
    const files = ["a/new/folder/x", "package-lock.json", "index.ts", "vitest.config.ts", "toolchain/go.ts"];
    for (const file of [...files, "services/shared/entrypoint.sh", "services/new/Dockerfile", "mem0"])
      expect(parts(file), file).toEqual(ALL);
    expect(ALL).toHaveLength(10);
  });

  it.each([
    ["docs/backup.md", ["unit"]],
    ["README.md", ["unit"]],
    ["docs/api.md", ["stores", "unit"]],
    ["test/engine/services/neo4j.test.ts", []],
    ["services/server/tests/unit/test_auth.py", ["python server"]],
    ["services/model/model_service/app.py", ["python model", "stacks", "stores", "unit"]],
    ["services/neo4j/Dockerfile", ["images", "stacks", "stores", "unit"]],
    ["services/exporter/src/catalogue.ts", ["images", "stacks", "unit"]],
    ["toolchain/plugins/docker/main.ts", ["plugins", "set-up", "stacks", "unit"]],
    ["bench/memory/bench.py", ["python bench"]],
    ["ops/backup/take/take.ts", ["docker", "images", "set-up", "stacks", "stores", "unit"]],
  ])("by %s is %j beside what imports it", (file, wanted) => {
    expect(parts(file)).toEqual(wanted);
  });

  it("never gets less by a further file", () => {
    const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: CHECKOUT, encoding: "utf8" })
      .split("\0")
      .filter(Boolean);
    const files = fc.array(fc.constantFrom(...tracked), { maxLength: 5 });
    fc.assert(
      fc.property(files, files, (some, others) => {
        const more = affected([...some, ...others]);
        for (const part of affected(some)) expect(more).toContain(part);
      }),
    );
  });

  it("of a test file with Docker is told by the nearest folder that has a part", () => {
    expect(partOf("test/engine/toolchain/plugins/image.test.ts")).toBe("plugins");
    expect(partOf("test/engine/toolchain/setup.test.ts")).toBe("set-up");
    expect(partOf("test/engine/ops/backup/restore.test.ts")).toBe("stacks");
    expect(partOf("test/engine/ops/docker/throwaway.test.ts")).toBe("docker");
  });
});

describe("test files that run side by side", () => {
  /** Ports that a stack takes from the first one on. */
  const SPAN = 7;
  const claims = tests.map((file) => {
    // What stands beside a test file and is part of it has no stack of its own.
    const text = readFileSync(path.join(CHECKOUT, file), "utf8");
    const ports = [...text.matchAll(/\b28\d{3}\b/g)].map(([port]) => Number(port));
    const stacks = [...text.matchAll(/(?:new \w*Stack\(|const (?:stack|STACK) = )"(\w+)"/g)].map(
      ([, name]) => name ?? "",
    );
    return { file, ports, stacks: [...new Set(stacks)] };
  });

  it("take their ports from ranges that do not meet", () => {
    const found = claims.flatMap(({ file, ports }) => ports.map((port) => ({ file, port })));
    expect(found.length).toBeGreaterThan(10);
    for (const one of found)
      for (const other of found)
        if (one.file !== other.file && Math.abs(one.port - other.port) < SPAN)
          expect.fail(`${one.file} begins at port ${one.port}, ${other.file} at ${other.port}`);
  });

  it("deploy stacks of different names", () => {
    const found = claims.flatMap(({ file, stacks }) => stacks.map((stack) => ({ file, stack })));
    expect(found.length).toBeGreaterThan(5);
    const names = found.map(({ stack }) => stack);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("begin with those that take longest, which are all there", () => {
    expect(LONGEST_FIRST.filter((file) => !existsSync(path.join(CHECKOUT, file)))).toEqual([]);
  });
});
