import { type Check, complaint } from "../../ops/base/check.ts";
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
export function checkLine(check: Check): string {
  const { name, ok, found } = check;
  return `  ${ok ? "ok    " : "WRONG "} ${name}: ${ok ? found : complaint(check)}`;
}
