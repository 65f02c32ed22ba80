import { Problem } from "../base/problem.ts";

/** What somebody who was asked has answered: a value, or why there is none. */
export type Answer<T> = { value: T } | { reason: string };

/**
 * Asks somebody, and waits no longer than so many milliseconds. Whoever answers later is not heard any more.
 *
 * @param ask gets a signal that is aborted at the end of the time
 */
export async function asked<T>(
  withinMs: number,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer<T>>((resolve) => {
    timer = setTimeout(() => {
      resolve({ reason: `no answer within ${withinMs / 1000} s` });
      over.abort();
    }, withinMs);
  });
  const answer = ask(over.signal).then(
    (value) => ({ value }),
    (error: unknown) => ({ reason: reasonOf(error) }),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The innermost reason: drivers and clients wrap it, and say of their own only that something failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && (error instanceof Problem || error.message === "fetch failed")) {
    return reasonOf(cause);
  }
  // Several addresses were tried, each with a reason of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message;
}
