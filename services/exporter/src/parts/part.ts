import type { Page } from "../page.ts";

/** One source of metrics. When it fails, only its own metrics are missing. */
export interface Part {
  name: PartName;
  /** Called when the part fails: sets its `up` to 0. */
  whenDown: (page: Page) => void;
  /**
   * Writes what it finds to the page, as it finds it.
   *
   * @param complain reports a failure of one step; the other steps go on
   * @throws when nothing more of the part can be read
   */
  collect: (page: Page, complain: (error: unknown) => void) => Promise<void>;
  close: () => Promise<void>;
}

/** The bot is a part where there is one. */
export const PARTS = ["server", "postgres", "neo4j", "backups", "disk", "bot"] as const;

export type PartName = (typeof PARTS)[number];

/** Runs steps at the same time; one that fails is reported and does not stop the others. */
export async function sideBySide(
  complain: (error: unknown) => void,
  ...steps: readonly (() => Promise<void>)[]
): Promise<void> {
  await Promise.all(steps.map((step) => step().catch(complain)));
}
