/** Something that a lane does from beginning to end. */
export interface Job<T> {
  name: string;
  /** What no two jobs may have at the same time, such as a port. */
  claims?: readonly string[];
  run: (signal: AbortSignal) => Promise<T>;
}

/**
 * Does jobs side by side: each lane takes the first that is left and shares no claim with what runs. When `signal` is
 * aborted no other is begun; what runs is told by the same signal.
 *
 * @returns what the jobs gave, in the order in which they ended
 * @throws what a job throws, when those that ran beside it have ended
 */
export async function inLanes<T>(jobs: readonly Job<T>[], lanes: number, signal: AbortSignal): Promise<T[]> {
  const waiting = [...jobs];
  const running = new Map<Job<T>, Promise<void>>();
  const results: T[] = [];
  const errors: unknown[] = [];
  while (waiting.length > 0 || running.size > 0) {
    const claimed = new Set([...running.keys()].flatMap(({ claims = [] }) => claims));
    const next = waiting.findIndex(({ claims = [] }) => !claims.some((claim) => claimed.has(claim)));
    const job = waiting[next];
    if (signal.aborted || errors.length > 0) waiting.length = 0;
    else if (job !== undefined && running.size < lanes) {
      waiting.splice(next, 1);
      const done = job
        .run(signal)
        .then(
          (result) => void results.push(result),
          (error: unknown) => void errors.push(error),
        )
        .finally(() => running.delete(job));
      running.set(job, done);
      continue;
    }
    if (running.size > 0) await Promise.race(running.values());
  }
  if (errors.length > 0) throw errors[0];
  return results;
}
