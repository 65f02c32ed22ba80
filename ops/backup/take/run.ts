import type { Problem } from "../../base/problem.ts";
import type { Tier } from "../format/layout.ts";
import type { OnBytes } from "../format/part-files.ts";
import type { Backup } from "../keep/catalogue.ts";

/** What a run of a backup is told. */
export interface TakeOptions {
  tier: Tier;
  /** Name under which the backup is kept for good. */
  pin?: string | undefined;
  /** Whoever asks for it keeps writers away by itself, as a restore does before the swap. */
  writersAway?: boolean;
  /** Nothing is removed: the backup that is about to be restored must stay. */
  keepAll?: boolean;
  toolVersion: string;
  /** The clock. */
  now: () => Date;
  report: (line: string) => void;
  onBytes?: OnBytes;
  signal?: AbortSignal;
}

/** What a run made. */
export interface Made {
  backup: Backup;
  /** Further tiers that the same bytes serve. */
  promoted: Tier[];
  /** Why the copy elsewhere failed; undefined when it did not, or none is wanted. */
  copyFailure: Problem | undefined;
}

/** How a run ended. */
export interface Taken extends Made {
  seconds: number;
}
