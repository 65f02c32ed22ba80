import type { Duplex, Readable } from "node:stream";
import type { Part, PartFormat, SourceName } from "../format/backup-manifest.ts";

/** Where a source leaves what it dumps: every part is compressed, encrypted and summed on its way to the disk. */
export interface PartSink {
  /**
   * Writes one part and waits until it is on the disk.
   *
   * @param name what of the source it is, e.g. `globals`
   * @param fileName without the ending for encryption
   * @param produce opens the stream of bytes in `format`, and is asked again for nothing
   */
  write(part: {
    source: SourceName;
    name: string;
    fileName: string;
    format: PartFormat;
    produce: () => Promise<Produced> | Produced;
  }): Promise<Part>;
}

/** Bytes of a part. `done` settles when whoever makes them has ended, and rejects when it failed half-way. */
export interface Produced {
  stream: Readable;
  /** What the bytes go through before they are in their format, e.g. compression. */
  through?: Duplex[];
  done: Promise<void>;
}

/**
 * A store that can be backed up and restored. All have the same four verbs; the first is in `dump.ts` of each store, the other
 * three, which work on a backup that is there, in files of their own.
 */
export interface DumpSide<Cut> {
  readonly source: SourceName;
  /** Writes this store's share of the cut. */
  dump(cut: Cut, sink: PartSink): Promise<void>;
}

export interface RestoreSide<Place> {
  readonly source: SourceName;
  /** What a part holds, without restoring it: tables, databases, lines. */
  list(part: OpenPart): Promise<string[]>;
  /** Restores into a new, empty place beside the live one. */
  restore(parts: OpenPart[], place: Place): Promise<void>;
  /** Removes a place that `restore` made; nothing when there is none. */
  remove(place: Place): Promise<void>;
}

/** A part of a backup, ready to be read: decrypted, still in its format. */
export interface OpenPart {
  part: Part;
  open: () => Readable;
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
