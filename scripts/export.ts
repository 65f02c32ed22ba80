import { outputTo } from "../ops/base/output-file.ts";
import { counted } from "../ops/base/words.ts";
import { exportTo } from "../ops/server/transfer.ts";
import { liveCounter } from "./cli/counter.ts";
import { tell } from "./cli/output.ts";
import { defineVerb } from "./cli/verb.ts";

interface Options {
  user?: string;
  vectors?: boolean;
  force?: boolean;
}

export const verb = defineVerb<Options>({
  declare: (command) =>
    command
      .argument("<file>", "file to write, readable by you alone; - for standard output")
      .option("-u, --user <name>", "only this user's (default: everybody's)")
      .option("--vectors", "with embeddings: larger, but imported again without asking the model")
      .option("--force", "replace a file that is there"),
  json: "the counts",
  notes: "The file gets its name when it is whole. Devices and pipes are written to as they are.",
  exits: { readerLeft: "who read standard output stopped before the end of the export" },
  examples: ["export memories.jsonl --user me"],
  run: async (call) => {
    const [file = ""] = call.args;
    const output = outputTo(file, call.options);
    const { server } = call.deployed();
    const counter = liveCounter();
    const exported = await exportTo(server, output, call.options, (lines) =>
      counter.show(counted(lines, "line")),
    ).finally(counter.done);
    if (exported === undefined) return { exit: "readerLeft" };
    const text = `${counted(exported.memories, "memory")} and ${counted(exported.relations, "relation")} written`;
    if (!output.standard) return { text: `${text} to ${file}`, json: { file: output.where, ...exported } };
    tell(text);
    return undefined;
  },
});
