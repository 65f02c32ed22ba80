import { globSync } from "node:fs";
import path from "node:path";
import { Argument } from "commander";
import { execa } from "execa";
import { testEnvironment } from "../test/runner/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { runSetup } from "../toolchain/setup.ts";
import { defineVerb } from "./cli/verb.ts";

/** Programs of this checkout that measure, by what a person calls them. */
const PROGRAMS = new Map(
  globSync("bench/*.ts", { cwd: CHECKOUT })
    .sort()
    .map((file) => [path.basename(file, ".ts"), file]),
);

export const verb = defineVerb({
  stack: false,
  declare: (command) =>
    command
      .addArgument(new Argument("<name>", "what").choices([...PROGRAMS.keys()]))
      .argument("[args...]", "passed on, such as sizes")
      .allowUnknownOption(),
  notes:
    "docs/benchmarks.md tells what each prints. A figure is worth something on a machine that does nothing else.",
  exits: { ok: "measured", failed: "it could not be measured" },
  examples: ["bench foundation", "bench backup 1000 20000"],
  run: async ({ args: [name = "", ...args], interruption }) => {
    await runSetup({ progress: "plain" });
    const command = [path.join(CHECKOUT, PROGRAMS.get(name) ?? ""), ...args];
    // A program that gets the same Ctrl-C from the terminal tidies up by itself.
    const { exitCode } = await interruption.inOrder(() =>
      execa(process.execPath, command, { env: testEnvironment(), stdio: "inherit", reject: false }),
    );
    return { exit: exitCode === 0 ? "ok" : "failed" };
  },
});
