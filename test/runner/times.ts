import prettyMs from "pretty-ms";
import { table } from "../../scripts/cli/table.ts";
import type { FileResult } from "./results.ts";

/** Files that take less are told together. */
const SHORT_SECONDS = 1;
const SLOWEST = 10;

/** What each file of a run took, and its slowest tests, for the end of the run. */
export function renderTimes(files: readonly FileResult[]): string {
  const rows = fileRows(files);
  const slowest = slowestTests(files);
  return [
    table(["seconds", "tests", "file"], rows),
    ...(slowest.length === 0 ? [] : ["", table(["seconds", "slowest tests", ""], slowest)]),
  ].join("\n");
}

/** The mark before which a suite's times stand in docs/testing.md, and the one after them. */
const marks = (suite: string) => [`<!-- times of ${suite} -->`, `<!-- end of times of ${suite} -->`] as const;

/**
 * A document with the times of a suite replaced by those of a run.
 *
 * @param wallSeconds of the whole suite, lanes side by side
 * @param when and where it ran, for a reader
 * @throws Error when the document has no place for them
 */
export function withTimes(
  document: string,
  suite: string,
  files: readonly FileResult[],
  wallSeconds: number,
  when: string,
): string {
  const [from, to] = marks(suite);
  const [start, end] = [document.indexOf(from), document.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`no place for the times of ${suite}: ${from} ... ${to}`);
  const tests = files.reduce((count, file) => count + file.tests.length, 0);
  const text = [
    `${tests} tests in ${prettyMs(wallSeconds * 1000, { secondsDecimalDigits: 0 })}, ${when}.`,
    "",
    markdown(["seconds", "tests", "file"], fileRows(files)),
    "",
    markdown(["seconds", "slowest test", "in"], slowestTests(files)),
  ].join("\n");
  return `${document.slice(0, start + from.length)}\n${text}\n${document.slice(end)}`;
}

function fileRows(files: readonly FileResult[]): string[][] {
  const longest = files.toSorted((one, other) => other.seconds - one.seconds);
  const short = longest.filter(({ seconds }) => seconds < SHORT_SECONDS);
  const shortSeconds = short.reduce((sum, { seconds }) => sum + seconds, 0);
  const shortTests = short.reduce((count, { tests }) => count + tests.length, 0);
  return [
    ...longest
      .filter(({ seconds }) => seconds >= SHORT_SECONDS)
      .map(({ file, seconds, tests }) => [seconds.toFixed(1), String(tests.length), file]),
    ...(short.length === 0
      ? []
      : [[shortSeconds.toFixed(1), String(shortTests), `${short.length} that take less than a second each`]]),
  ];
}

function slowestTests(files: readonly FileResult[]): string[][] {
  return files
    .flatMap(({ file, tests }) => tests.map((test) => ({ file, ...test })))
    .filter(({ name, seconds }) => name !== "" && seconds >= SHORT_SECONDS)
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, SLOWEST)
    .map(({ file, name, seconds }) => [seconds.toFixed(1), name, file]);
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
