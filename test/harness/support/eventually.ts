import { setTimeout as delay } from "node:timers/promises";

/** Polls until `condition` holds; fails with its name when it does not within `seconds`. */
export async function waitFor(what: string, condition: () => Promise<boolean>, seconds = 120): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for: ${what}`);
    await delay(100);
  }
}
