import type { Command } from "commander";
import { deployedStack } from "./cli/context.ts";
import { printJson, tellWaiting } from "./cli/output.ts";

interface Options {
  user?: string;
  stack: string;
  json?: boolean;
}

const EVENTS: Record<string, string> = { ADD: "remembered", UPDATE: "updated", DELETE: "forgotten" };

export function register(program: Command): void {
  program
    .command("remember")
    .description("store what a text says")
    .argument("<text>", "what to remember, in plain words")
    .option("-u, --user <name>", "whose memory it is (default: the stack's defaultUser)")
    .option("-s, --stack <name>", "stack", "test")
    .option("--json", "print the server's answer as JSON")
    .addHelpText("after", '\nExample:\n  ./mem0 remember "I keep bees on the roof"')
    .action(remember);
}

async function remember(text: string, options: Options): Promise<void> {
  const stack = deployedStack(options.stack);
  const user = options.user ?? stack.manifest.defaultUser;
  const results = await stack.server.remember(text, user, tellWaiting);
  if (options.json === true) return printJson({ results });
  if (results.length === 0) return console.log("nothing new in that: no memory was changed");
  for (const { event, memory } of results) console.log(`${EVENTS[event] ?? event}: ${memory}`);
}
