import type { SourceName } from "../format/backup-manifest.ts";
import type { OpenPart, PartSink } from "../format/part.ts";
import type { Cut } from "./cut.ts";

/**
 * A store that can be backed up: `dump.ts` of each. How a store is read and restored differs too much for one interface,
 * and stands in files of its own beside it.
 */
export interface DumpedStore {
  readonly source: SourceName;
  /** Writes this store's share of the cut. */
  dump(cut: Cut, sink: PartSink): Promise<void>;
}

/** A dump of Postgres, and the memories' rows where they stand in a part of their own. */
export interface PostgresParts extends OpenPart {
  rows?: OpenPart;
}

/** A copy of Postgres' files, and the log up to the backup's moment. */
export interface PostgresFiles {
  files: OpenPart;
  log: OpenPart;
}

/** The graph of a backup, in one of the forms it may have. */
export type GraphParts =
  | { kind: "dumps"; parts: OpenPart[] }
  | { kind: "lines"; part: OpenPart }
  /** Neo4j's own files, as the guide's backups have them: copied while it ran, so they may not fit together. */
  | { kind: "files"; file: string; bytes: number; open: OpenPart["open"] };

/** What to do about a backup that a store does not take. */
export function lookAtBackup(stack: string): string {
  return `look at the backup: ./mem0 verify --stack ${stack}; take another one: ./mem0 backups ${stack}`;
}
