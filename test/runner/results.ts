/** What became of one test. */
export interface TestResult {
  /** Its title, those of the blocks around it before it. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** Seconds, with what was set up for this test alone. */
  seconds: number;
  /** The first line of what a failed test said; what a skipped one wants for. */
  message: string;
}

/** The tests of one file. A tool, such as a linter, is a file of one test. */
export interface FileResult {
  /** Path in the checkout, or the tool's name. */
  file: string;
  /** Seconds, with everything that was loaded, set up and taken down for the file. */
  seconds: number;
  tests: TestResult[];
}

/** How many tests passed, failed and were skipped. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A test that is named at the end of a run: whoever sees only the last lines is to know what to look for. */
export type Named = Pick<FileResult, "file"> & TestResult;

export function toolResult(name: string, succeeded: boolean, seconds: number): FileResult {
  const outcome = succeeded ? "passed" : "failed";
  return { file: name, seconds, tests: [{ name: "", outcome, seconds, message: "" }] };
}

/**
 * Results of a program that runs tests, from its exit and its report. One that says "failed" without naming a failed
 * test, or that ran no test at all, has failed.
 *
 * @param check stands for the test that is missing
 */
export function judged(check: string, succeeded: boolean, files: readonly FileResult[]): FileResult[] {
  const { passed, failed } = tally(files);
  if (failed > 0 || (succeeded && passed > 0)) return [...files];
  const message = succeeded ? "it ran no test" : "it failed and named no failed test: see what it printed";
  return [
    ...files,
    { file: check, seconds: 0, tests: [{ name: "", outcome: "failed", seconds: 0, message }] },
  ];
}

export function tally(files: readonly FileResult[]): Tally {
  const counts: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of files.flatMap(({ tests }) => tests)) counts[outcome] += 1;
  return counts;
}

export function named(files: readonly FileResult[], outcome: TestResult["outcome"]): Named[] {
  return files.flatMap(({ file, tests }) =>
    tests.filter((test) => test.outcome === outcome).map((test) => ({ file, ...test })),
  );
}

/** Results in which no test may be skipped: each that was has failed. */
export function withoutSkips(files: readonly FileResult[]): FileResult[] {
  const failing = (test: TestResult): TestResult =>
    test.outcome === "skipped"
      ? { ...test, outcome: "failed", message: `skipped: ${test.message || "it does not say why"}` }
      : test;
  return files.map((file) => ({ ...file, tests: file.tests.map(failing) }));
}

export function renderNamed({ file, name, message }: Named): string {
  const test = name === "" ? file : `${file}: ${name}`;
  return message === "" ? test : `${test}\n      ${message}`;
}

/** The line that ends a test run. */
export function renderTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]?.trim() ?? "";
}
