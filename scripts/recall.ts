import { InvalidArgumentError } from "commander";
import type { Found } from "../ops/server/client.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb<{ user?: string; limit: number }>({
  text: ["question", "what you want to know, in plain words"],
  declare: (command) =>
    command
      .option("-u, --user <name>", "whose memories (default: the stack's defaultUser)")
      .option("-n, --limit <count>", "how many at most", wholeNumber, 5),
  json: "the memories",
  examples: ['recall "which animals do I have?"'],
  run: async (call) => {
    const { text, options } = call;
    const stack = call.deployed();
    const user = options.user ?? stack.manifest.defaultUser;
    const results = await stack.server.recall(text, user, options.limit, call.waiting);
    return {
      text: results.length === 0 ? `no memories of ${user} yet; try: ./mem0 remember "..."` : render(results),
      json: { results },
    };
  },
});

function render(results: Found): string {
  const rows = results.map(({ similarity, memory, updated_at, created_at }) => [
    similarity.toFixed(2),
    memory,
    (updated_at ?? created_at ?? "").slice(0, 10),
  ]);
  return table(["likeness", "memory", "since"], rows);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value;
  throw new InvalidArgumentError("allowed: a whole number from 1 to 100");
}
