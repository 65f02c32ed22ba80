import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  judge,
  renderTally,
  sum,
  type Tally,
  tallyOfOne,
  tallyOfPytest,
  tallyOfVitest,
} from "../../runner/tally.ts";

const counts: fc.Arbitrary<Tally> = fc.record({
  passed: fc.nat(999),
  failed: fc.nat(999),
  skipped: fc.nat(999),
});

function vitestReport(counts: Partial<Record<string, number>>): string {
  return JSON.stringify({
    numPassedTests: 0,
    numFailedTests: 0,
    numFailedTestSuites: 0,
    numPendingTests: 0,
    ...counts,
  });
}

describe("the tally of a test run", () => {
  it("counts vitest's tests, and a file that fails before its first test", () => {
    expect(tallyOfVitest(vitestReport({ numPassedTests: 7, numFailedTests: 2, numPendingTests: 1 }))).toEqual(
      {
        passed: 7,
        failed: 2,
        skipped: 1,
      },
    );
    expect(tallyOfVitest(vitestReport({ numPassedTests: 7, numFailedTestSuites: 1 })).failed).toBe(1);
  });

  it("counts pytest's tests; errors are failures", () => {
    const report = '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10">';
    expect(tallyOfPytest(report)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  });

  it("takes nothing else for a report of pytest", () => {
    expect(() => tallyOfPytest("<html></html>")).toThrow("not a JUnit report");
  });

  it("a check that ran no test, or failed without naming one, has failed", () => {
    const nothing = { passed: 0, failed: 0, skipped: 2 };
    expect(judge(true, nothing).failed).toBe(1);
    expect(judge(false, { passed: 5, failed: 0, skipped: 0 }).failed).toBe(1);
  });

  it("a judgement never hides a failed test, and leaves a good run as it is", () => {
    fc.assert(
      fc.property(fc.boolean(), counts, (succeeded, tally) => {
        const judged = judge(succeeded, tally);
        expect(judged.failed).toBeGreaterThanOrEqual(tally.failed);
        if (succeeded && tally.passed > 0) expect(judged).toEqual(tally);
      }),
    );
  });

  it("the sum of checks loses none of them", () => {
    fc.assert(
      fc.property(fc.array(counts), (tallies) => {
        const total = (key: keyof Tally) => tallies.reduce((count, tally) => count + tally[key], 0);
        expect(sum(tallies)).toEqual({
          passed: total("passed"),
          failed: total("failed"),
          skipped: total("skipped"),
        });
      }),
    );
  });

  it("ends as one line, which tells of skipped tests only when there are some", () => {
    expect(renderTally(sum([tallyOfOne(true), tallyOfOne(false)]))).toBe("1 passed, 1 failed");
    expect(renderTally({ passed: 3, failed: 0, skipped: 1 })).toBe("3 passed, 0 failed, 1 skipped");
  });
});
