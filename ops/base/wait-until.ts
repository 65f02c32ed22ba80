import pRetry from "p-retry";
import type { Problem } from "./problem.ts";

export interface Patience {
  withinMs: number;
  /** Time between two looks, ms. */
  everyMs?: number;
  /** What to say when it did not come true in time. */
  late: () => Problem | Promise<Problem>;
}

/**
 * Looks again and again until `condition` holds.
 *
 * @throws what `late` gives when it does not in time; what `condition` throws, at once
 */
export async function waitUntil(
  condition: () => Promise<boolean>,
  { withinMs, everyMs = 500, late }: Patience,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  try {
    await pRetry(
      async () => {
        if (!(await condition())) throw new NotYet();
      },
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: everyMs,
        factor: 1,
        shouldRetry: ({ error }) => error instanceof NotYet && Date.now() < deadline,
      },
    );
  } catch (error) {
    throw error instanceof NotYet ? await late() : error;
  }
}

class NotYet extends Error {}
