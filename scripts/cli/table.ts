import Table from "cli-table3";
import { visible } from "../../ops/base/visible.ts";

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
