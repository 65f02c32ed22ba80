import type { Duplex, Readable } from "node:stream";
import type { Part, PartFormat, SourceName } from "./backup-manifest.ts";

/** Where a store leaves what it dumps: every part is compressed, encrypted and summed on its way to the disk. */
export interface PartSink {
  /**
   * Writes one part and waits until it is on the disk.
   *
   * @param name what of the store it is, e.g. `globals`
   * @param fileName without the ending for encryption
   * @param produce opens the stream of bytes in `format`; called once
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

/** A part of a backup, ready to be read: decrypted, still in its format. */
export interface OpenPart {
  part: Part;
  open: () => Readable;
}
