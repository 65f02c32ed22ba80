import { readMachine } from "../ops/stack/machine-file.ts";
import { exportLines } from "../toolchain/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  stack: false,
  examples: ["env", "env >mem0.env"],
  run: () => ({ text: exportLines(CHECKOUT, readMachine(CHECKOUT)).join("\n") }),
});
