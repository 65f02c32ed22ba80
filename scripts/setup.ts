import { type Command, Option } from "commander";
import { ExitCode } from "../ops/base/problem.ts";
import { runSetup } from "../toolchain/setup.ts";
import { REQUESTED_WAYS, type RequestedWay } from "../toolchain/ways.ts";
import { printJson, table } from "./cli/output.ts";

interface Options {
  way: RequestedWay;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("setup")
    .description("get everything this machine needs; again: mends what is missing")
    .addOption(
      new Option(
        "--way <way>",
        "where tools come from: their vendors, package registries, or whichever answers",
      )
        .choices(REQUESTED_WAYS)
        .default("auto"),
    )
    .option("--json", "print the result as JSON, and no progress")
    .addHelpText("after", "\nInterrupted, it goes on where it stopped when it is run again.")
    .action(setup);
}

async function setup({ way, json = false }: Options): Promise<void> {
  process.once("SIGINT", () => {
    process.stderr.write("\nmem0: interrupted; ./mem0 setup goes on from here\n");
    process.exit(ExitCode.interrupted);
  });
  const result = await runSetup(json ? { way, progress: "none" } : { way });
  if (json) return printJson(result);
  console.log(
    `\n${table(
      ["part", "version", "way", ""],
      result.parts.map(({ name, version, way, detail }) => [name, version ?? "", way ?? "", detail ?? ""]),
    )}`,
  );
  console.log("\nThis machine is set up. Next: ./mem0 up");
}
