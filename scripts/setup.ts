import { Option } from "commander";
import { runSetup, type SetupResult } from "../toolchain/setup.ts";
import { REQUESTED_WAYS, type RequestedWay } from "../toolchain/ways.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb<{ way: RequestedWay }>({
  stack: false,
  declare: (command) =>
    command.addOption(
      new Option(
        "--way <way>",
        "where tools come from: their vendors, package registries, or whichever answers",
      )
        .choices(REQUESTED_WAYS)
        .default("auto"),
    ),
  json: "the result, without any progress,",
  notes: "Interrupted, it goes on where it stopped when it is run again.",
  run: async ({ options: { way }, json }) => {
    const result = await runSetup(json ? { way, progress: "none" } : { way });
    return { text: render(result), json: result };
  },
});

function render({ parts }: SetupResult): string {
  const rows = parts.map(({ name, version, way, detail }) => [name, version ?? "", way ?? "", detail ?? ""]);
  return `\n${table(["part", "version", "way", ""], rows)}\n\nThis machine is set up. Next: ./mem0 up`;
}
