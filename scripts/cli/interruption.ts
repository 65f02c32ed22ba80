import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { tell } from "./output.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * What Ctrl-C, and an order to end, do to a verb: what only looks, or what another run goes on with, ends at once; work
 * that would leave something half done ends in order, and a second signal ends that too. The exit code is 130 always.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #leave: (code: number) => void;
  /** How many pieces of work are to end in order. */
  #inOrder = 0;

  /** @param leave ends this process at once */
  constructor(leave: (code: number) => void = process.exit) {
    this.#leave = leave;
  }

  /** For work that can be given up on the way. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get happened(): boolean {
    return this.signal.aborted;
  }

  /** Takes the signals of this process while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const onSignal = () => this.interrupt();
    for (const signal of SIGNALS) process.on(signal, onSignal);
    try {
      return await work();
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    }
  }

  /** Runs work that a signal lets end in order. */
  async inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#inOrder += 1;
    try {
      return await work();
    } catch (cause) {
      if (!this.happened || (cause instanceof Problem && cause.exitCode === ExitCode.interrupted))
        throw cause;
      throw interrupted(cause);
    } finally {
      this.#inOrder -= 1;
    }
  }

  /** @throws Problem with exit code 130 after a signal: called where work may be given up */
  checkpoint(): void {
    if (this.happened) throw interrupted();
  }

  /** What a signal does. */
  interrupt(): void {
    if (this.happened || this.#inOrder === 0) {
      tell("\nmem0: interrupted");
      this.#leave(ExitCode.interrupted);
      return;
    }
    tell("\nmem0: ending in order; once more ends it at once");
    this.#controller.abort();
  }
}

function interrupted(cause?: unknown): Problem {
  return new Problem("interrupted; the same command goes on from here", {
    exitCode: ExitCode.interrupted,
    cause,
  });
}
