import Table from "cli-table3";
import type { Check } from "../../ops/base/check.ts";
import { visible, visibleJson } from "../../ops/base/visible.ts";

/** Shows text on standard output. */
export function print(text: string): void {
  process.stdout.write(`${visible(text)}\n`);
}

/** Shows text beside the report: on standard error. */
export function tell(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

/** Prints a report for machines. */
export function printJson(report: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(report, null, 2))}\n`);
}

/** One thing that was looked at in a backup, for people. */
export function checkLine({ name, ok, found }: Check): string {
  return `  ${ok ? "ok    " : "WRONG "} ${name}: ${found}`;
}

const BORDERS = [
  "top",
  "top-mid",
  "top-left",
  "top-right",
  "bottom",
  "bottom-mid",
  "bottom-left",
  "bottom-right",
];
const RULES = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"];

/** A table without ruled lines; columns as wide as their content. */
export function table(head: string[], rows: string[][]): string {
  const plain = new Table({
    head,
    chars: Object.fromEntries([...BORDERS, ...RULES].map((name) => [name, ""])),
    style: { head: [], "padding-left": 0, "padding-right": 2 },
  });
  plain.push(...rows.map((row) => row.map((cell) => visible(cell).replaceAll("\t", " "))));
  return plain
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
