import { Argument, type Command } from "commander";
import prettyMs from "pretty-ms";
import { ExitCode } from "../ops/problem.ts";
import { type Check, checksOf, type Suite } from "../test/runner/checks.ts";
import { renderTally, sum, type Tally } from "../test/runner/tally.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { testEnvironment } from "./test-environment.ts";

const SUITES = ["unit", "engine", "e2e"] as const;

export function register(program: Command): void {
  program
    .command("test")
    .description("run the project's own tests")
    .addArgument(new Argument("[suite]", "which tests").choices([...SUITES, "all"]).default("all"))
    .addHelpText(
      "after",
      "\nunit is fast and needs no Docker; engine uses the real Pulumi engine and Docker; e2e uses a running stack.\n" +
        "\nExample:\n  ./mem0 test unit",
    )
    .action(test);
}

async function test(chosen: Suite | "all"): Promise<void> {
  const suites = chosen === "all" ? SUITES : [chosen];
  const results: { name: string; tally: Tally; milliseconds: number }[] = [];
  for (const suite of suites) {
    const env = suite === "unit" ? {} : await testEnvironment();
    for (const check of checksOf(suite, CHECKOUT, env)) results.push(await timed(check));
  }
  console.log("\nSummary");
  for (const { name, tally, milliseconds } of results) {
    console.log(
      `  ${tally.failed === 0 ? "ok    " : "FAILED"} ${name}: ${renderTally(tally)} (${prettyMs(milliseconds)})`,
    );
  }
  const total = sum(results.map(({ tally }) => tally));
  console.log(`\n${renderTally(total)}`);
  process.exitCode = total.failed === 0 ? ExitCode.ok : ExitCode.failed;
}

async function timed(check: Check): Promise<{ name: string; tally: Tally; milliseconds: number }> {
  console.log(`\n=== ${check.name}`);
  const started = performance.now();
  const tally = await check.run();
  return { name: check.name, tally, milliseconds: performance.now() - started };
}
