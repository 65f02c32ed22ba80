import type { Command } from "commander";
import { outputTo } from "../ops/base/output-file.ts";
import { exportTo } from "../ops/server/transfer.ts";
import type { Counts } from "../ops/server/transfer-lines.ts";
import { deployedStack } from "./cli/context.ts";
import { liveCounter } from "./cli/counter.ts";
import { printJson } from "./cli/output.ts";

interface Options {
  user?: string;
  vectors?: boolean;
  force?: boolean;
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
    .option("--force", "replace a file that is there")
    .option("-s, --stack <name>", "stack", "test")
    .option("--json", "print the counts as JSON")
    .addHelpText(
      "after",
      "\nThe file gets its name when it is whole. Devices and pipes are written to as they are.\n\nExample:\n  ./mem0 export memories.jsonl --user me",
    )
    .action(exportMemories);
}

async function exportMemories(file: string, options: Options): Promise<void> {
  const output = outputTo(file, options);
  const client = deployedStack(options.stack).server;
  const counter = liveCounter();
  const exported = await exportTo(client, output, options, (lines) =>
    counter.show(`${lines.toLocaleString("en")} lines`),
  ).finally(counter.done);
  if (exported === undefined) return;
  if (output.standard) console.error(`${told(exported)} written`);
  else if (options.json === true) printJson({ file: output.where, ...exported });
  else console.log(`${told(exported)} written to ${file}`);
}

function told({ memories, relations }: Counts): string {
  return `${memories.toLocaleString("en")} memories and ${relations.toLocaleString("en")} relations`;
}
