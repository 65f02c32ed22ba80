import type { Command } from "commander";
import { readMachine } from "../ops/stack/machine-file.ts";
import { exportLines } from "../toolchain/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

export function register(program: Command): void {
  program
    .command("env")
    .description('the environment for plain pulumi: eval "$(./mem0 env)"')
    .addHelpText("after", '\nExample:\n  eval "$(./mem0 env)" && pulumi preview --stack test')
    .action(() => {
      for (const line of exportLines(CHECKOUT, readMachine(CHECKOUT))) console.log(line);
    });
}
