import { setTimeout as delay } from "node:timers/promises";
import { untilReady } from "../../../ops/server/readiness.ts";
import { type EndedRun, mem0, type Run } from "../support/mem0-run.ts";
import { restartEngine } from "./engine-restart.ts";
import type { Given } from "./options.ts";

/** What happens to a run at a random moment. */
export interface Blow {
  /** What it did to a run, for a person: "killed". */
  word: string;
  strike: (run: Run) => Promise<void>;
  /** Whether a run ended as one does that was struck; otherwise it must have ended well. */
  felled: (ended: EndedRun) => boolean;
  /** Waits until what the blow broke beside the run is whole again. */
  healed: (given: Given) => Promise<void>;
}

/** How many blows met a run that was at work, and how many came too late. */
export interface Hits {
  struck: number;
  finished: number;
}

/** The run is killed, and nothing else is touched. */
export const KILL: Blow = {
  word: "killed",
  strike: async (run) => void run.kill("SIGKILL"),
  felled: ({ signal }) => signal === "SIGKILL",
  healed: async () => {},
};

/**
 * The Docker engine is stopped or killed, and started again; the run has to end by itself and to say why. What an engine
 * stopped in order runs again by itself; what it left when it was killed it does not start (20.10), and `up` does.
 */
export function engineRestart(random: () => number): Blow {
  let last: "SIGTERM" | "SIGKILL" = "SIGTERM";
  return {
    word: "left by the engine",
    strike: () => {
      last = random() < 0.5 ? "SIGTERM" : "SIGKILL";
      return restartEngine(last);
    },
    felled: ({ exitCode, all }) =>
      exitCode === 1 && /the Docker engine (was stopped or restarted meanwhile|does not answer)/.test(all),
    healed: async ({ stack, stateHome }) => {
      if (last === "SIGTERM") {
        await untilReady(stack, () => {});
        return;
      }
      const { exitCode, all } = await mem0(stateHome, ["up", stack.name]);
      if (exitCode !== 0) throw new Error(`up does not mend what a killed engine left: ${all}`);
    },
  };
}

/**
 * Runs a command and strikes at a moment, in ms from its start.
 *
 * @returns whether it was struck; false when it had ended well by then
 * @throws Error when it ended in a third way
 */
export async function struck(
  { strike, felled, word }: Blow,
  stateHome: string,
  args: readonly string[],
  moment: number,
): Promise<boolean> {
  const run = mem0(stateHome, args);
  const early = await Promise.race([delay(moment, undefined), run]);
  if (early === undefined) await strike(run);
  const ended = await run;
  if (felled(ended)) return true;
  if (ended.exitCode === 0) return false;
  throw new Error(`a run that was ${word} ended with ${ended.exitCode}: ${ended.all}`);
}
