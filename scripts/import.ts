import type { Command } from "commander";
import { ExitCode } from "../ops/base/problem.ts";
import { fileInput, type Imported, importLines } from "../ops/server/import.ts";
import { deployedStack } from "./cli/context.ts";
import { liveCounter } from "./cli/counter.ts";
import { printJson } from "./cli/output.ts";

interface Options {
  user?: string;
  stack: string;
  json?: boolean;
}

const FAILURES_SHOWN = 10;

export function register(program: Command): void {
  program
    .command("import")
    .description("take memories and relations from a file of JSON lines")
    .argument("<file>", "file that `./mem0 export` wrote, or lines like its; - for standard input")
    .option("-u, --user <name>", "only this user's lines (default: all)")
    .option("-s, --stack <name>", "stack", "test")
    .option("--json", "print what was done as JSON")
    .addHelpText(
      "after",
      "\nMemories whose id is there already are skipped: run it again after it was cut off, and it goes on.\n" +
        "Exit code 1: a line was not taken, or the file is no export of this form, or one that was cut off.\n" +
        "\nExample:\n  ./mem0 import memories.jsonl",
    )
    .action(importMemories);
}

async function importMemories(file: string, options: Options): Promise<void> {
  const source = file === "-" ? { input: process.stdin, bytes: undefined } : fileInput(file);
  const client = deployedStack(options.stack).server;
  const counter = liveCounter();
  const imported = await importLines(
    client,
    source.input,
    { ...options, name: file === "-" ? "standard input" : file },
    (lines, bytes) => counter.show(`${lines.toLocaleString("en")} lines${share(bytes, source.bytes)}`),
  ).finally(counter.done);
  if (imported.failed > 0 || imported.whole === false) process.exitCode = ExitCode.failed;
  if (options.json === true) return printJson(imported);
  for (const line of summary(imported)) console.log(line);
}

function share(bytes: number, size: number | undefined): string {
  return size === undefined || size === 0 ? "" : `, ${Math.floor((100 * bytes) / size)} %`;
}

function summary(imported: Imported): string[] {
  const { added, skipped, relations, failed, unreadable, others, failures, amiss } = imported;
  const cannotBeRead = unreadable === 0 ? "" : `, ${unreadable.toLocaleString("en")} of which cannot be read`;
  return [
    `${added.toLocaleString("en")} memories added, ${skipped.toLocaleString("en")} were there already, ` +
      `${relations.toLocaleString("en")} relations`,
    ...(others === 0 ? [] : [`${others.toLocaleString("en")} lines are of others and were left out`]),
    ...(failed === 0 ? [] : [`${failed.toLocaleString("en")} lines were not taken${cannotBeRead}:`]),
    ...failures.slice(0, FAILURES_SHOWN).map(({ line, reason }) => `  line ${line}: ${reason}`),
    ...amiss,
  ];
}
