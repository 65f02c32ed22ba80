import { globSync } from "node:fs";
import path from "node:path";
import { Argument, type Command } from "commander";
import { execa } from "execa";
import { ExitCode } from "../ops/base/problem.ts";
import { testEnvironment } from "../test/runner/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { runSetup } from "../toolchain/setup.ts";

/** Programs of this checkout that measure, by what a person calls them. */
const PROGRAMS = new Map(
  globSync("bench/*.ts", { cwd: CHECKOUT })
    .sort()
    .map((file) => [path.basename(file, ".ts"), file]),
);

export function register(program: Command): void {
  program
    .command("bench")
    .description("measure this checkout beside what a user would run instead")
    .addArgument(new Argument("<name>", "what").choices([...PROGRAMS.keys()]))
    .argument("[args...]", "passed on, such as sizes")
    .allowUnknownOption()
    .addHelpText(
      "after",
      "\ndocs/benchmarks.md tells what each prints. A figure is worth something on a machine that does nothing else.\n" +
        "\nExamples:\n  ./mem0 bench foundation\n  ./mem0 bench backup 1000 20000",
    )
    .action(bench);
}

async function bench(name: string, args: string[]): Promise<void> {
  await runSetup({ progress: "plain" });
  const command = [path.join(CHECKOUT, PROGRAMS.get(name) ?? ""), ...args];
  const { exitCode } = await execa(process.execPath, command, {
    env: testEnvironment(),
    stdio: "inherit",
    reject: false,
  });
  process.exitCode = exitCode ?? ExitCode.failed;
}
