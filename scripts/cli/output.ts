import Table from "cli-table3";
import type { Check } from "../../ops/base/check.ts";

/** Prints a report for machines. */
export function printJson(report: unknown): void {
  console.log(JSON.stringify(report, null, 2));
}

/** One thing that was looked at in a backup, for people. */
export function checkLine({ name, ok, found }: Check): string {
  return `  ${ok ? "ok    " : "WRONG "} ${name}: ${found}`;
}

/** Tells on the terminal, beside the report, that a verb waits for the server, and why. */
export function tellWaiting(reason: string): void {
  console.error(`waiting: ${reason}`);
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
    style: { head: process.stdout.isTTY ? ["bold"] : [], "padding-left": 0, "padding-right": 2 },
  });
  plain.push(...rows);
  return plain
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
