import { counted } from "../ops/base/words.ts";
import { fileInput, type Imported, importLines } from "../ops/server/import.ts";
import { liveCounter } from "./cli/counter.ts";
import { defineVerb } from "./cli/verb.ts";

const FAILURES_SHOWN = 10;

export const verb = defineVerb<{ user?: string }>({
  declare: (command) =>
    command
      .argument("<file>", "file that `./mem0 export` wrote, or lines like its; - for standard input")
      .option("-u, --user <name>", "only this user's lines (default: all)"),
  json: "what was done",
  notes: "Memories whose id is there already are skipped: run it again after it was cut off, and it goes on.",
  exits: { failed: "a line was not taken, or the file is no export of this form, or one that was cut off" },
  examples: ["import memories.jsonl"],
  run: async (call) => {
    const [file = ""] = call.args;
    const source = file === "-" ? { input: process.stdin, bytes: undefined } : fileInput(file);
    const { server } = call.deployed();
    const counter = liveCounter();
    const imported = await importLines(
      server,
      source.input,
      { ...call.options, name: file === "-" ? "standard input" : file },
      (lines, bytes) => counter.show(`${counted(lines, "line")}${share(bytes, source.bytes)}`),
    ).finally(counter.done);
    const isAllTaken = imported.failed === 0 && imported.whole !== false;
    return { text: summary(imported).join("\n"), json: imported, exit: isAllTaken ? "ok" : "failed" };
  },
});

function share(bytes: number, size: number | undefined): string {
  return size === undefined || size === 0 ? "" : `, ${Math.floor((100 * bytes) / size)} %`;
}

function summary(imported: Imported): string[] {
  const { added, skipped, relations, failed, unreadable, others, failures, amiss } = imported;
  const cannotBeRead =
    unreadable === 0 ? "" : `, ${unreadable.toLocaleString("en-US")} of which cannot be read`;
  const areOthers = others === 1 ? "is another's and was" : "are of others and were";
  return [
    `${counted(added, "memory")} added, ${skipped.toLocaleString("en-US")} there already, ${counted(relations, "relation")}`,
    ...(others === 0 ? [] : [`${counted(others, "line")} ${areOthers} left out`]),
    ...(failed === 0 ? [] : [`${counted(failed, "line")} not taken${cannotBeRead}:`]),
    ...failures.slice(0, FAILURES_SHOWN).map(({ line, reason }) => `  line ${line}: ${reason}`),
    ...amiss,
  ];
}
