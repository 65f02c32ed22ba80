import { describe, it } from "vitest";
import { type NeedName, unmet } from "../../runner/needs.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a test that was skipped wants, and how to get it: the run's summary says it. */
    needs?: string;
  }
}

/** `it` and `describe` of tests that want something of the machine: without it they are skipped, and the run says why. */
export function needing(name: NeedName) {
  const needs = unmet(name);
  type Test = (title: string, test: () => void | Promise<void>) => void;
  const those: { it: Test; describe: Test } =
    needs === undefined
      ? { it, describe }
      : {
          it: (title, test) => it.skip(title, { meta: { needs } }, test),
          describe: (title, tests) => describe.skip(title, { meta: { needs } }, tests),
        };
  return those;
}
