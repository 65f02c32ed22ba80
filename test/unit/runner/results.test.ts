import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resultsOfPytest } from "../../runner/junit.ts";
import {
  type FileResult,
  judged,
  named,
  renderNamed,
  renderTally,
  type TestResult,
  tally,
  toolResult,
  withoutSkips,
} from "../../runner/results.ts";

const test = (outcome: TestResult["outcome"], message = ""): TestResult => ({
  name: "a backup ends",
  outcome,
  seconds: 1,
  message,
});
const file = (...tests: TestResult[]): FileResult => ({ file: "a.test.ts", seconds: 2, tests });

const outcomes = fc.array(fc.constantFrom("passed" as const, "failed" as const, "skipped" as const));

describe("the results of a test run", () => {
  it("of one that ran no test, or failed without naming one, are a failure that says so", () => {
    expect(tally(judged("vitest", true, [file(test("skipped"))]))).toEqual({
      passed: 0,
      failed: 1,
      skipped: 1,
    });
    const silent = judged("vitest", false, [file(test("passed"))]);
    expect(named(silent, "failed").map(renderNamed)).toEqual([
      "vitest\n      it failed and named no failed test: see what it printed",
    ]);
    expect(named(judged("vitest", true, []), "failed").map(({ message }) => message)).toEqual([
      "it ran no test",
    ]);
  });

  it("never lose a failed test, and stay as they are when the run is good", () => {
    fc.assert(
      fc.property(fc.boolean(), outcomes, (succeeded, wanted) => {
        const before = [file(...wanted.map((outcome) => test(outcome)))];
        const after = judged("vitest", succeeded, before);
        expect(tally(after).failed).toBeGreaterThanOrEqual(tally(before).failed);
        if (succeeded && wanted.includes("passed")) expect(after).toEqual(before);
        expect(tally(after).failed).toBeGreaterThan(succeeded && wanted.includes("passed") ? -1 : 0);
      }),
    );
  });

  it("count every test once", () => {
    fc.assert(
      fc.property(fc.array(outcomes), (files) => {
        const { passed, failed, skipped } = tally(
          files.map((wanted) => file(...wanted.map((outcome) => test(outcome)))),
        );
        expect(passed + failed + skipped).toBe(files.flat().length);
      }),
    );
  });

  it("end as one line, which tells of skipped tests only when there are some", () => {
    expect(renderTally(tally([toolResult("biome", true, 1), toolResult("types", false, 1)]))).toBe(
      "1 passed, 1 failed",
    );
    expect(renderTally(tally([file(test("passed"), test("skipped"))]))).toBe("1 passed, 0 failed, 1 skipped");
  });

  it("in which nothing may be skipped say for want of what a test failed", () => {
    const strict = withoutSkips([
      file(test("passed"), test("skipped", "needs rclone: apt-get install rclone")),
    ]);
    expect(renderTally(tally(strict))).toBe("1 passed, 1 failed");
    expect(named(strict, "failed").map(renderNamed)).toEqual([
      "a.test.ts: a backup ends\n      skipped: needs rclone: apt-get install rclone",
    ]);
  });
});

describe("pytest's report", () => {
  const report = (cases: string) =>
    `<?xml version="1.0"?><testsuites><testsuite name="pytest">${cases}</testsuite></testsuites>`;
  const read = (cases: string) => resultsOfPytest(report(cases), "services/server");

  it("gives each test's file, name, time and the first line of what it said", () => {
    const [result] = read(
      '<testcase file="tests/test_a.py" classname="tests.test_a" name="test_good" time="1.5" />' +
        '<testcase file="tests/test_a.py" classname="tests.test_a" name="test_b[x&lt;1]" time="0.5">' +
        '<failure message="assert 1 == 2&#10; + where 1">text</failure></testcase>' +
        '<testcase file="tests/test_a.py" classname="tests.test_a" name="test_c" time="0"><error message="failed on setup">text</error></testcase>' +
        '<testcase file="tests/test_a.py" classname="tests.test_a" name="test_d" time="0"><skipped type="pytest.skip" message="no model">text</skipped></testcase>',
    );
    expect(result).toEqual({
      file: "services/server/tests/test_a.py",
      seconds: 2,
      tests: [
        { name: "test_good", outcome: "passed", seconds: 1.5, message: "" },
        { name: "test_b[x<1]", outcome: "failed", seconds: 0.5, message: "assert 1 == 2" },
        { name: "test_c", outcome: "failed", seconds: 0, message: "failed on setup" },
        { name: "test_d", outcome: "skipped", seconds: 0, message: "no model" },
      ],
    });
  });

  it("keeps apart the files of a folder", () => {
    const files = read(
      '<testcase file="a.py" classname="a" name="one" time="1" /><testcase file="b.py" classname="b" name="two" time="1" />',
    );
    expect(files.map((result) => result.file)).toEqual(["services/server/a.py", "services/server/b.py"]);
  });

  it("names the module that could not be imported", () => {
    const cases =
      '<testcase classname="" name="tests.test_a" time="0"><error message="collection failure"/></testcase>';
    expect(named(read(cases), "failed").map(({ name, message }) => [name, message])).toEqual([
      ["tests.test_a", "collection failure"],
    ]);
  });

  it.each(["<html></html>", "<testsuites><testsuite>", ""])("is not %j", (text) => {
    expect(() => resultsOfPytest(text, "services/server")).toThrow("not a JUnit report of pytest");
  });
});
