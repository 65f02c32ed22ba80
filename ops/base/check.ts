import { Problem } from "./problem.ts";

/**
 * One thing that was looked at: on a host before and after a deployment, in a stack that runs, in a backup, in what was
 * restored from one. `preflight`, `doctor`, `health`, `verify` and `drill` find all that they find in this shape.
 */
export interface Check {
  name: string;
  ok: boolean;
  /** What was found: a figure when it is well, else the reason. */
  found: string;
  /** The command or the edit that mends it, where there is one. */
  mend?: string;
}

export function allWell(checks: readonly Check[]): boolean {
  return checks.every(({ ok }) => ok);
}

/** A check that is not well. */
export function wrong(name: string, found: string, mend?: string): Check {
  return { name, ok: false, found, ...(mend === undefined ? {} : { mend }) };
}

/** Makes a check of a look at something: what it returns was found well, what it throws is the reason why it is not. */
export async function lookAt(name: string, look: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, ok: true, found: await look() };
  } catch (error) {
    return wrong(name, reasonOf(error), error instanceof Problem ? error.mend : undefined);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Problem && error.where !== undefined) return `${error.message} (${error.where})`;
  return error instanceof Error ? error.message : String(error);
}

/** What was found wrong, and what mends it, in one line. */
export function complaint({ found, mend }: Check): string {
  return mend === undefined ? found : `${found}; ${mend}`;
}

/** What to do, each mend once, in the order of what it mends; empty when all is well. */
export function mendings(checks: readonly Check[]): string[] {
  const byMend = Map.groupBy(
    checks.filter(({ ok }) => !ok),
    ({ mend }) => mend ?? "",
  );
  return [...byMend].map(([mend, mended]) => `${mended.map(({ name }) => name).join(", ")}: ${mend}`);
}
