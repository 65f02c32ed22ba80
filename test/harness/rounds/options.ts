import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { stateHome } from "../../../toolchain/layout.ts";
import { freshSeed } from "../support/random.ts";
import { WatchedStack } from "../support/watched-stack.ts";

/** What every program with rounds is told. */
export const OPTIONS = {
  stack: { type: "string" },
  rounds: { type: "string", default: "100" },
  seed: { type: "string", default: String(freshSeed()) },
} as const;

interface Values {
  stack?: string | undefined;
  rounds: string;
  seed: string;
}

export interface Given {
  stack: DeployedStack;
  /** MEM0_HOME of the stack. */
  stateHome: string;
  rounds: number;
  seed: number;
}

/** Ports of a stack that is deployed for rounds alone begin here. */
const FIRST_PORT = 28500;

/** Reads what was given, and prints what it takes to have the same rounds again. */
export function given(values: Values & { stack: string }, home = stateHome()): Given {
  const { stack, rounds, seed } = values;
  console.log(`${rounds} rounds on stack ${stack}, seed ${seed}`);
  return {
    stack: DeployedStack.read(home, stack),
    stateHome: home,
    rounds: Number(rounds),
    seed: Number(seed),
  };
}

/** Has rounds on the stack that was named, or on one of their own, which is deployed before and removed after them. */
export async function onStack(values: Values, use: (given: Given) => Promise<void>): Promise<void> {
  const { stack: named } = values;
  if (named !== undefined) return use(given({ ...values, stack: named }));
  const own = new WatchedStack("rounds", FIRST_PORT);
  process.once("SIGINT", () => void own.remove().finally(() => process.exit(130)));
  console.log("deploying a stack for the rounds");
  await own.up({
    observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
  });
  try {
    await own.remember("I keep bees on the roof", "alice");
    await own.remember("My sister lives in Lisbon", "bob");
    await use(given({ ...values, stack: own.stack }, own.project.stateHome));
  } finally {
    await own.remove();
  }
}
