import { describe, expect, it } from "vitest";
import { failuresOfPytest, failuresOfVitest, renderFailure } from "../../runner/failures.ts";

describe("the failures of a test run", () => {
  it("are named by file, test and first line of vitest's report", () => {
    const report = JSON.stringify({
      testResults: [
        {
          name: "test/engine/a.test.ts",
          status: "failed",
          message: "",
          assertionResults: [
            { fullName: "a backup ends", status: "passed", failureMessages: [] },
            { fullName: "a backup is listed", status: "failed", failureMessages: ["Error: gone\n    at x"] },
          ],
        },
      ],
    });
    expect(failuresOfVitest(report)).toEqual([
      { test: "test/engine/a.test.ts: a backup is listed", message: "Error: gone" },
    ]);
  });

  it("name the file that failed before its first test", () => {
    const file = { name: "b.test.ts", status: "failed", message: "no such module", assertionResults: [] };
    expect(failuresOfVitest(JSON.stringify({ testResults: [file] }))).toEqual([
      { test: "b.test.ts", message: "no such module" },
    ]);
  });

  it("are named by file, test and first line of pytest's report, errors among them", () => {
    const report =
      '<testsuites><testsuite><testcase classname="tests.test_a" name="test_good" time="1" />' +
      '<testcase classname="tests.test_a" name="test_b[x&lt;1]" time="1">' +
      '<failure message="assert 1 == 2&#10; + where 1">text</failure></testcase>' +
      '<testcase classname="tests.test_a" name="test_c" time="1"><error message="failed on setup">text</error></testcase>' +
      "</testsuite></testsuites>";
    expect(failuresOfPytest(report)).toEqual([
      { test: "tests.test_a: test_b[x<1]", message: "assert 1 == 2" },
      { test: "tests.test_a: test_c", message: "failed on setup" },
    ]);
  });

  it("show what was said below the name", () => {
    expect(renderFailure({ test: "a", message: "b" })).toBe("a\n      b");
    expect(renderFailure({ test: "a", message: "" })).toBe("a");
  });
});
