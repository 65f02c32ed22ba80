/** How many tests of a check passed, failed and were skipped. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A check without tests of its own, such as a linter, counts as one. */
export function tallyOfOne(succeeded: boolean): Tally {
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
}

/** Reads vitest's JSON report. */
export function tallyOfVitest(report: string): Tally {
  const counts = JSON.parse(report) as {
    numPassedTests: number;
    numFailedTests: number;
    numFailedTestSuites: number;
    numPendingTests: number;
  };
  // A file that fails before its first test has no failed test, and is a failure all the same.
  const failed = counts.numFailedTests > 0 ? counts.numFailedTests : counts.numFailedTestSuites;
  return { passed: counts.numPassedTests, failed, skipped: counts.numPendingTests };
}

/** Reads pytest's JUnit report; its counts are attributes of the one `testsuite` element. */
export function tallyOfPytest(report: string): Tally {
  const attribute = (name: string) =>
    Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(report)?.[1]);
  const [tests, failures, errors, skipped] = [
    attribute("tests"),
    attribute("failures"),
    attribute("errors"),
    attribute("skipped"),
  ];
  if (![tests, failures, errors, skipped].every(Number.isInteger))
    throw new Error("not a JUnit report of pytest");
  return { passed: tests - failures - errors - skipped, failed: failures + errors, skipped };
}

/**
 * Result of a check from its exit code and its report. A check that says "failed" without naming a failed test, or
 * that ran no test at all, has failed.
 */
export function judge(succeeded: boolean, tally: Tally): Tally {
  const silent = tally.failed === 0 && (!succeeded || tally.passed === 0);
  return silent ? { ...tally, failed: 1 } : tally;
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, tally) => ({
      passed: total.passed + tally.passed,
      failed: total.failed + tally.failed,
      skipped: total.skipped + tally.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The line that ends a test run. */
export function renderTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
