// Entry of ./mem0. Loads nothing but Node's own modules until the packages are there.
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { visible } from "../ops/base/visible.ts";
import { ensureDependencies } from "../toolchain/dependencies.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { guardOutput } from "./cli/streams.ts";

// V8 would let what a stream leaves behind grow to several times what is in use before it looks for it: a backup of a
// graph of 4,000 embeddings took 232 MiB, and takes 154 so.
setFlagsFromString("--heap-growing-percent=50");

guardOutput();
try {
  await ensureDependencies(CHECKOUT);
  const { run } = await import("./cli/program.ts");
  await run(process.argv.slice(2));
} catch (error) {
  // Work that runs beside what failed ends with it: what it made is kept, and the next run goes on.
  await new Promise((resolve) => process.stderr.write(`${visible(explain(error))}\n`, resolve));
  process.exit(error instanceof Problem ? error.exitCode : ExitCode.failed);
}

function explain(error: unknown): string {
  if (process.env.MEM0_DEBUG === "1" && error instanceof Error) return inspect(error);
  if (error instanceof Problem) return `mem0: ${error.render()}`;
  const message = error instanceof Error ? error.message : String(error);
  return `mem0: ${message}\n  (this was not foreseen; MEM0_DEBUG=1 shows where it comes from)`;
}
