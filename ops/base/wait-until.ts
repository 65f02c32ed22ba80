import pWaitFor from "p-wait-for";
import type { Problem } from "./problem.ts";

export interface Patience {
  withinMs: number;
  /** Time between two looks, ms. */
  everyMs?: number;
  /** What to say when it did not come true in time: what was waited for, and what was seen last. */
  late: () => Problem | Promise<Problem>;
}

/**
 * Looks again and again until `condition` holds. A look that has begun is waited for, also beyond the time.
 *
 * @throws what `late` gives when it does not in time; what `condition` throws, at once
 */
export async function waitUntil(
  condition: () => Promise<boolean>,
  { withinMs, everyMs = 500, late }: Patience,
): Promise<void> {
  const fallback = async () => {
    throw await late();
  };
  await pWaitFor(condition, { interval: everyMs, timeout: { milliseconds: withinMs, fallback } });
}
