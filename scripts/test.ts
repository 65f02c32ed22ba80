import { Argument, InvalidArgumentError, Option } from "commander";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { HARMLESS_ROUNDS, ROUNDS, type RoundsName, type RoundsOptions } from "../test/runner/rounds.ts";
import { runRounds, runSuites } from "../test/runner/run.ts";
import { DEFAULT_SUITES, SUITES, type Suite } from "../test/runner/suites.ts";
import { defineVerb } from "./cli/verb.ts";

interface Options extends RoundsOptions {
  changed?: string | true;
  lanes: number;
  skipped: boolean;
  record?: true;
  coverage?: true;
}

export const verb = defineVerb<Options>({
  stack: false,
  declare: (command) =>
    command
      .addArgument(
        new Argument("[suite]", "which tests").choices([...SUITES, "all", "rounds"]).default("all"),
      )
      .addArgument(new Argument("[name]", "which rounds").choices(ROUNDS))
      .option(
        "--changed [ref]",
        "only what a change since this commit can reach (default: what is not committed)",
      )
      .option("--no-skipped", "a test that is skipped has failed")
      .option("--coverage", "unit: tell how much of the TypeScript its tests run")
      .option("--record", "write the times of this run into docs/testing.md")
      .addOption(new Option("--lanes <n>", "how many programs run side by side").argParser(lanes).default(2))
      .option("--rounds <n>", "rounds: how many kills or faults")
      .option("--seed <n>", "rounds: the same ones again")
      .option("--only <store>", "restore-kills: restore this store alone")
      .option("--stack <stack>", "rounds: kill on a stack that is deployed, instead of one of their own"),
  notes:
    "unit is fast and needs no Docker; engine uses the real Pulumi engine and Docker; e2e uses a running stack;\n" +
    "all is these three. stores is the memory server's tests on real stores whole; engine runs a part of them.\n" +
    `rounds are long: ${HARMLESS_ROUNDS.join(", ")}, or the one that is named; engine-kills restarts Docker.`,
  exits: { ok: "all passed", failed: "one failed, or none was run" },
  examples: ["test unit", "test --changed main", "test rounds backup-kills --rounds 100 --seed 1"],
  run: async ({ args: [suite = "all", name], options, interruption }) => {
    const { signal } = interruption;
    if (suite !== "rounds" && name !== undefined) {
      throw new Problem(`${name} belongs to the rounds`, {
        mend: `./mem0 test rounds ${name}`,
        exitCode: ExitCode.usage,
      });
    }
    const isPart = options.changed !== undefined || !(suite === "all" || suite === "unit");
    if (options.record === true && isPart) {
      throw new Problem("the table of times is that of whole suites", {
        mend: "./mem0 test --record, or: ./mem0 test unit --record",
        exitCode: ExitCode.usage,
      });
    }
    const rounds = name === undefined ? HARMLESS_ROUNDS : [name as RoundsName];
    const suites = suite === "all" ? DEFAULT_SUITES : [suite as Suite];
    const exit = await interruption.inOrder(() =>
      suite === "rounds"
        ? runRounds(rounds, options, options.lanes, signal)
        : runSuites(
            {
              suites,
              changedSince: options.changed === true ? "HEAD" : options.changed,
              lanes: options.lanes,
              skipsFail: !options.skipped,
              record: options.record === true,
              coverage: options.coverage === true,
            },
            signal,
          ),
    );
    return { exit };
  },
});

function lanes(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("allowed: a whole number from 1");
}
