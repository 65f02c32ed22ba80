import { writeFileSync } from "node:fs";
import path from "node:path";
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";
import { CHECKOUT } from "../../toolchain/layout.ts";
import { type FileResult, firstLine, type TestResult } from "./results.ts";

/** Names the file that the results of a run go to. */
export const REPORT_VARIABLE = "MEM0_TEST_REPORT";

/**
 * Writes what became of each test, with its time and that of its file. vitest's own report leaves out the time of what
 * is set up for a whole file, which is most of the time of a test with a stack, and why a test was skipped.
 */
export default class ResultsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const files = modules.map(fileResult);
    if (unhandled.length > 0)
      files.push({
        file: "outside of any test",
        seconds: 0,
        tests: unhandled.map((error) => failed("", error)),
      });
    writeFileSync(process.env[REPORT_VARIABLE] ?? "", JSON.stringify(files));
  }
}

function fileResult(module: TestModule): FileResult {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
    module.diagnostic();
  const ms = environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;
  return {
    file: path.relative(CHECKOUT, module.moduleId),
    seconds: ms / 1000,
    tests: [
      // What a file does before its first test, or a block before and after its tests, can fail too.
      ...module.errors().map((error) => failed("", error)),
      ...[...module.children.allSuites()].flatMap((suite) =>
        suite.errors().map((error) => failed(suite.fullName, error)),
      ),
      ...[...module.children.allTests()].map(testResult),
    ],
  };
}

function testResult(test: TestCase): TestResult {
  const { fullName: name } = test;
  const result = test.result();
  const seconds = (test.diagnostic()?.duration ?? 0) / 1000;
  switch (result.state) {
    case "passed":
      return { name, outcome: "passed", seconds, message: "" };
    case "failed":
      return { ...failed(name, result.errors[0]), seconds };
    case "skipped":
      return { name, outcome: "skipped", seconds, message: result.note ?? whySkipped(test) ?? "" };
    case "pending":
      return { name, outcome: "failed", seconds, message: "it did not end" };
  }
}

function failed(name: string, error: { message: string } | undefined): TestResult {
  return { name, outcome: "failed", seconds: 0, message: firstLine(error?.message ?? "") };
}

/** What a test, or a block around it, says that it wants for; or that the block failed before it. */
function whySkipped(entity: TestCase | TestSuite | TestModule): string | undefined {
  const { needs } = entity.meta();
  if (needs !== undefined) return `needs ${needs}`;
  if (entity.type !== "test" && entity.errors().length > 0) return "what comes before it failed";
  return entity.type === "module" ? undefined : whySkipped(entity.parent);
}
