import { Transform } from "node:stream";
import { byteSize } from "../../base/byte-size.ts";
import { Problem } from "../../base/problem.ts";
import type { Part } from "./backup-manifest.ts";

/** A file of a backup that is compressed, with its own size. */
export type Compressed = Pick<Part, "file" | "bytes" | "unpackedBytes"> & { format?: Part["format"] };

/**
 * How many times its size a part may have when it is unpacked. Measured: embeddings 1 to 4 times, text of one pattern
 * repeated 30; a bomb of zstd 10,000 and more, of gzip 1,032.
 */
const MOST_TIMES = 200;

/** What a small part may unpack to whatever its size: a new graph or history is mostly empty pages. */
const SMALL_BYTES = 64 * 1024 ** 2;

/** The same for Postgres' own files: a new server's have 40 MiB, and its log comes in segments of 16 MiB, mostly zeros. */
const SMALL_SERVER_BYTES = 1024 ** 3;

/** Bytes that a part can hold at the most when it is unpacked, whatever its manifest says. */
export function mostUnpacked({ bytes, format }: Compressed): number {
  const ofServer = format === "pg-files-zstd" || format === "pg-log-zstd";
  return bytes * MOST_TIMES + (ofServer ? SMALL_SERVER_BYTES : SMALL_BYTES);
}

/**
 * Passes on what a part holds, and ends when it is more than its manifest says, or than a part of its size can hold.
 *
 * @param room bytes that there are for it; unlimited when left out
 */
export function bounded(part: Compressed, room = Number.POSITIVE_INFINITY): Transform {
  const { file, bytes, unpackedBytes } = part;
  const most = mostUnpacked(part);
  let passed = 0;
  const tooMuch = (why: string) =>
    new Problem(`the part unpacks to more than ${why}`, {
      where: file,
      mend: "it is damaged or was not written by a backup: take another one",
    });
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed > most) {
        done(tooMuch(`${byteSize(most)}, which none does that has ${byteSize(bytes)} itself`));
      } else if (unpackedBytes !== undefined && passed > unpackedBytes) {
        done(tooMuch(`the ${unpackedBytes} bytes that its manifest says`));
      } else if (passed > room) {
        const mend = "free space there, then the same command again";
        done(
          new Problem(`the part does not fit on the disk: ${byteSize(room)} are free for it`, {
            where: file,
            mend,
          }),
        );
      } else done(null, chunk);
    },
    flush(done) {
      const isLess = unpackedBytes !== undefined && passed < unpackedBytes;
      done(
        isLess
          ? new Problem(
              `the part unpacks to ${passed} bytes, not to the ${unpackedBytes} that its manifest says`,
              { where: file, mend: "it is damaged: take another backup" },
            )
          : null,
      );
    },
  });
}
