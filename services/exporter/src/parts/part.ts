import type { Page } from "../page.ts";

/** One source of metrics. What fails in it costs its own metrics and no other's. */
export interface Part {
  name: PartName;
  /** What holds when the part fails: its `up` is 0, and nothing else is known. */
  whenDown: (page: Page) => void;
  /**
   * Writes what it finds to the page, as it finds it.
   *
   * @param complain notes a failure that leaves the rest of the part standing
   * @throws when nothing more of the part can be had
   */
  collect: (page: Page, complain: (error: unknown) => void) => Promise<void>;
  close: () => Promise<void>;
}

export const PARTS = ["server", "postgres", "neo4j", "backups", "disk"] as const;

export type PartName = (typeof PARTS)[number];

/** Runs steps at the same time; one that fails is noted and does not stop the others. */
export async function sideBySide(
  complain: (error: unknown) => void,
  ...steps: readonly (() => Promise<void>)[]
): Promise<void> {
  await Promise.all(steps.map((step) => step().catch(complain)));
}
