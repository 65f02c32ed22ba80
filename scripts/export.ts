import path from "node:path";
import type { Command } from "commander";
import type { MemoryClient } from "../ops/server/client.ts";
import { type Exported, exportedLines, exportToFile } from "../ops/server/transfer.ts";
import { deployedStack } from "./cli/context.ts";
import { liveCounter } from "./cli/counter.ts";
import { printJson } from "./cli/output.ts";

interface Options {
  user?: string;
  vectors?: boolean;
  stack: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("export")
    .description("write memories and relations to a file of JSON lines")
    .argument("<file>", "file to write, readable by you alone; - for standard output")
    .option("-u, --user <name>", "only this user's (default: everybody's)")
    .option("--vectors", "with embeddings: larger, but imported again without asking the model")
    .option("-s, --stack <name>", "stack", "test")
    .option("--json", "print the counts as JSON")
    .addHelpText(
      "after",
      "\nThe file gets its name when it is whole.\n\nExample:\n  ./mem0 export memories.jsonl --user me",
    )
    .action(exportMemories);
}

async function exportMemories(file: string, options: Options): Promise<void> {
  const client = deployedStack(options.stack).server;
  if (file === "-") return void (await toStandardOutput(client, options));
  const counter = liveCounter();
  const exported = await exportToFile(client, path.resolve(file), options, (lines) =>
    counter.show(`${lines.toLocaleString("en")} lines`),
  ).finally(counter.done);
  if (options.json === true) return printJson({ file: path.resolve(file), ...exported });
  console.log(`${told(exported)} written to ${file}`);
}

async function toStandardOutput(client: MemoryClient, options: Options): Promise<void> {
  const lines = exportedLines(client, options);
  for (let step = await lines.next(); ; step = await lines.next()) {
    if (step.done === true) return void console.error(`${told(step.value)} written`);
    if (!process.stdout.write(`${step.value}\n`)) {
      await new Promise((resolve) => process.stdout.once("drain", resolve));
    }
  }
}

function told({ memories, relations }: Exported): string {
  return `${memories.toLocaleString("en")} memories and ${relations.toLocaleString("en")} relations`;
}
