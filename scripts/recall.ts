import { type Command, InvalidArgumentError } from "commander";
import { deployedStack } from "./cli/context.ts";
import { printJson, table, tellWaiting } from "./cli/output.ts";

interface Options {
  user?: string;
  stack: string;
  limit: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("recall")
    .description("find the memories nearest in meaning to a question")
    .argument("<question>", "what you want to know, in plain words")
    .option("-u, --user <name>", "whose memories (default: the stack's defaultUser)")
    .option("-n, --limit <count>", "how many at most", count, 5)
    .option("-s, --stack <name>", "stack", "test")
    .option("--json", "print the memories as JSON")
    .addHelpText("after", '\nExample:\n  ./mem0 recall "which animals do I have?"')
    .action(recall);
}

async function recall(question: string, options: Options): Promise<void> {
  const stack = deployedStack(options.stack);
  const user = options.user ?? stack.manifest.defaultUser;
  const results = await stack.server.recall(question, user, options.limit, tellWaiting);
  if (options.json === true) return printJson({ results });
  if (results.length === 0) return console.log(`no memories of ${user} yet; try: ./mem0 remember "..."`);
  const rows = results.map(({ similarity, memory, updated_at, created_at }) => [
    similarity.toFixed(2),
    memory,
    (updated_at ?? created_at ?? "").slice(0, 10),
  ]);
  console.log(table(["likeness", "memory", "since"], rows));
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value;
  throw new InvalidArgumentError("allowed: a whole number from 1 to 100");
}
