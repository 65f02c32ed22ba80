import { describe, expect, it } from "vitest";
import type { FileResult } from "../../runner/results.ts";
import { renderTimes, withTimes } from "../../runner/times.ts";

const file = (name: string, seconds: number, ...tests: number[]): FileResult => ({
  file: name,
  seconds,
  tests: tests.map((time, index) => ({
    name: `test ${index + 1} | of ${name}`,
    outcome: "passed",
    seconds: time,
    message: "",
  })),
});

const files = [
  file("quick.test.ts", 0.2, 0.1),
  file("slow.test.ts", 61.5, 2, 40),
  file("fast.test.ts", 0.3, 0.3),
];

describe("the times of a run", () => {
  it("are those of each file, the longest first, and of the slowest tests; what is quick is told together", () => {
    const lines = renderTimes(files)
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(lines).toEqual([
      ["seconds", "tests", "file"],
      ["61.5", "2", "slow.test.ts"],
      ["0.5", "2", "2 that take less than a second each"],
      [""],
      ["seconds", "slowest tests"],
      ["40.0", "test 2 | of slow.test.ts", "slow.test.ts"],
      ["2.0", "test 1 | of slow.test.ts", "slow.test.ts"],
    ]);
  });

  it("take the place of those that a document had of that suite, and of nothing else", () => {
    const before = "# Tests\n<!-- times of unit -->\nold\n<!-- end of times of unit -->\nthe rest\n";
    const after = withTimes(before, "unit", files, 63, "2026-11-27, 2 cores");
    expect(after).not.toContain("old");
    expect(after).toContain("4 tests in 1m 3s, 2026-11-27, 2 cores.");
    expect(after).toContain("| 40.0 | test 2 \\| of slow.test.ts | slow.test.ts |");
    expect(after.endsWith("<!-- end of times of unit -->\nthe rest\n")).toBe(true);
    expect(withTimes(after, "unit", files, 63, "2026-11-27, 2 cores")).toBe(after);
  });

  it("have no place in a document without one", () => {
    expect(() => withTimes("# Tests\n", "unit", files, 1, "")).toThrow("no place for the times of unit");
  });
});
