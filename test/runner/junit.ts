import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { type FileResult, firstLine, type TestResult } from "./results.ts";

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "",
  htmlEntities: true,
  parseTagValue: false,
  isArray: (name) => ["testsuite", "testcase", "failure", "error", "skipped"].includes(name),
});

const told = z.array(z.object({ message: z.string().default("") })).default([]);
const report = z.object({
  testsuites: z.object({
    testsuite: z.array(
      z.object({
        testcase: z
          .array(
            z.object({
              // A file that cannot be imported is a test case without one.
              file: z.string().optional(),
              classname: z.string(),
              name: z.string(),
              time: z.coerce.number(),
              failure: told,
              error: told,
              skipped: told,
            }),
          )
          .default([]),
      }),
    ),
  }),
});

/**
 * Results from pytest's report in the form `xunit1`, which names each test's file.
 *
 * @param folder that pytest ran in, as the checkout names it
 * @throws Error when it is no such report
 */
export function resultsOfPytest(xml: string, folder: string): FileResult[] {
  const files = new Map<string, FileResult>();
  for (const test of testCases(xml)) {
    const name = `${folder}/${test.file ?? test.classname}`;
    const file = files.get(name) ?? { file: name, seconds: 0, tests: [] };
    files.set(name, file);
    file.seconds += test.time;
    file.tests.push({ name: test.name, seconds: test.time, ...outcome(test) });
  }
  return [...files.values()];
}

function testCases(xml: string) {
  try {
    return report.parse(parser.parse(xml, true)).testsuites.testsuite.flatMap(({ testcase }) => testcase);
  } catch (cause) {
    throw new Error("not a JUnit report of pytest", { cause });
  }
}

function outcome(test: ReturnType<typeof testCases>[number]): Pick<TestResult, "outcome" | "message"> {
  const wrong = [...test.failure, ...test.error][0];
  if (wrong !== undefined) return { outcome: "failed", message: firstLine(wrong.message) };
  const skipped = test.skipped[0];
  return skipped === undefined
    ? { outcome: "passed", message: "" }
    : { outcome: "skipped", message: firstLine(skipped.message) };
}
