import path from "node:path";
import { Argument, type Command } from "commander";
import prettyMs from "pretty-ms";
import { ExitCode } from "../ops/base/problem.ts";
import {
  type Check,
  checksOf,
  type Outcome,
  type Suite,
  type TestEnvironment,
} from "../test/runner/checks.ts";
import { testEnvironment } from "../test/runner/environment.ts";
import { renderFailure } from "../test/runner/failures.ts";
import { renderTally, sum } from "../test/runner/tally.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { runSetup } from "../toolchain/setup.ts";

const ALL = ["unit", "engine", "e2e"] as const;

export function register(program: Command): void {
  program
    .command("test")
    .description("run the project's own tests")
    .addArgument(new Argument("[suite]", "which tests").choices([...ALL, "all", "stores"]).default("all"))
    .addHelpText(
      "after",
      "\nunit is fast and needs no Docker; engine uses the real Pulumi engine and Docker; e2e uses a running stack;\n" +
        "all is these three. stores is the memory server's tests on real stores whole, with more and longer faults; engine\n" +
        "runs a part of them. It needs the images that engine or up has built.\n" +
        "\nExample:\n  ./mem0 test unit",
    )
    .action(test);
}

async function test(chosen: Suite | "all"): Promise<void> {
  const suites = chosen === "all" ? ALL : [chosen];
  // The tools' own `#!/usr/bin/env node` is to find the Node that runs this, not an older one of the system.
  process.env.PATH = [path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
  const results: Result[] = [];
  for (const suite of suites) {
    const env = suite === "unit" ? {} : await machineForTests();
    for (const check of checksOf(suite, CHECKOUT, env)) results.push(await timed(check));
  }
  console.log("\nSummary");
  for (const { name, tally, failures, milliseconds } of results) {
    console.log(
      `  ${tally.failed === 0 ? "ok    " : "FAILED"} ${name}: ${renderTally(tally)} (${prettyMs(milliseconds)})`,
    );
    for (const failure of failures) console.log(`    ${renderFailure(failure)}`);
  }
  const total = sum(results.map(({ tally }) => tally));
  console.log(`\n${renderTally(total)}`);
  process.exitCode = total.failed === 0 ? ExitCode.ok : ExitCode.failed;
}

/** Docker and the engine are needed from here on: sets up this machine like `up` does. */
async function machineForTests(): Promise<TestEnvironment> {
  await runSetup({ progress: "plain" });
  return testEnvironment();
}

interface Result extends Outcome {
  name: string;
  milliseconds: number;
}

async function timed(check: Check): Promise<Result> {
  console.log(`\n=== ${check.name}`);
  const started = performance.now();
  const outcome = await check.run();
  return { name: check.name, ...outcome, milliseconds: performance.now() - started };
}
