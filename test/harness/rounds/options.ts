import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { stateHome } from "../../../toolchain/layout.ts";
import { freshSeed } from "../support/random.ts";

/** What every command with rounds is told. */
export const OPTIONS = {
  stack: { type: "string", default: "test" },
  rounds: { type: "string", default: "100" },
  seed: { type: "string", default: String(freshSeed()) },
} as const;

export interface Given {
  stack: DeployedStack;
  /** MEM0_HOME of the stack. */
  stateHome: string;
  rounds: number;
  seed: number;
}

/** Reads what was given, and prints what it takes to have the same rounds again. */
export function given({ stack, rounds, seed }: Record<keyof typeof OPTIONS, string>): Given {
  console.log(`${rounds} rounds on stack ${stack}, seed ${seed}`);
  const home = stateHome();
  return {
    stack: DeployedStack.read(home, stack),
    stateHome: home,
    rounds: Number(rounds),
    seed: Number(seed),
  };
}
