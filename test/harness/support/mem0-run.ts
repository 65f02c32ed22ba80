import path from "node:path";
import { execa } from "execa";
import { CHECKOUT } from "../../../toolchain/layout.ts";

/** A verb that runs; it resolves when it has ended, however it did. */
export type Run = ReturnType<typeof mem0>;
export type EndedRun = Awaited<Run>;

/** Runs a verb of this checkout, without the shell script before it, on the stacks of a state home. */
export function mem0(stateHome: string, args: readonly string[]) {
  const script = path.join(CHECKOUT, "scripts", "mem0.ts");
  return execa(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
    env: { MEM0_HOME: stateHome },
    reject: false,
    all: true,
  });
}
