import { setTimeout as delay } from "node:timers/promises";

/** Waits; ends early, with an AbortError, when the signal says so. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const sleep: Sleep = (milliseconds, signal) => delay(milliseconds, undefined, { signal });

/**
 * How long to wait before the next try, in milliseconds: doubled from try to try up to `mostMs`, or what the other side
 * asked for where that is longer.
 *
 * @param attempt of how many failed tries this is the last; from 0
 */
export function backoffMs(attempt: number, mostMs: number, retryAfterSeconds = 0): number {
  return Math.max(Math.min(250 * 2 ** Math.min(attempt, 20), mostMs), retryAfterSeconds * 1000);
}

/** Work in order within each lane, and side by side in different ones. */
export class Lanes {
  readonly #ends = new Map<string, Promise<void>>();

  /** @param work catches its own failures; what it throws ends nothing but itself */
  add(lane: string, work: () => Promise<void>): void {
    const end = (this.#ends.get(lane) ?? Promise.resolve()).then(work).catch(() => {});
    this.#ends.set(lane, end);
    void end.then(() => {
      if (this.#ends.get(lane) === end) this.#ends.delete(lane);
    });
  }

  /** When all that was added has ended. */
  async idle(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends.values());
  }
}
