import { defineVerb } from "./cli/verb.ts";

const EVENTS: Record<string, string> = { ADD: "remembered", UPDATE: "updated", DELETE: "forgotten" };

export const verb = defineVerb<{ user?: string }>({
  text: ["text", "what to remember, in plain words"],
  declare: (command) =>
    command.option("-u, --user <name>", "whose memory it is (default: the stack's defaultUser)"),
  json: "the server's answer",
  examples: ['remember "I keep bees on the roof"'],
  run: async (call) => {
    const { text } = call;
    const stack = call.deployed();
    const user = call.options.user ?? stack.manifest.defaultUser;
    const results = await stack.server.remember(text, user, call.waiting);
    const lines = results.map(({ event, memory }) => `${EVENTS[event] ?? event}: ${memory}`);
    return {
      text: lines.length === 0 ? "nothing new in that: no memory was changed" : lines.join("\n"),
      json: { results },
    };
  },
});
