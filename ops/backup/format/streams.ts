import type { Duplex, Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { bounded, type Compressed } from "./bounds.ts";
import type { OpenPart } from "./part.ts";

/** For zstd: the lowest level is the quickest, and smaller than gzip on vectors. */
export const QUICKEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Like `pipe`, but when either stream fails, the returned one fails too. */
export function through(source: Readable, next: Duplex): Readable {
  source.on("error", (error) => next.destroy(error));
  next.on("close", () => source.destroy());
  return source.pipe(next);
}

/**
 * What a part that is compressed with zstd holds: no more than it can have held when it was written.
 *
 * @param room bytes that there are for it
 */
export function decompressed({ part, open }: OpenPart, room?: number): Readable {
  return through(through(open(), createZstdDecompress()), bounded(part, room));
}

/** The same with gzip. */
export function gunzipped(file: Compressed, open: () => Readable): Readable {
  return through(through(open(), createGunzip()), bounded(file));
}

/** Waits for all works, also when one has failed: only when none writes any more may what they leave be removed. */
export async function waitForAll(work: (Promise<void> | undefined)[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The lines of a text, however long, without their ends. */
export async function* lines(source: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of source) {
    const pieces = (rest + decoder.write(chunk as Buffer)).split("\n");
    rest = pieces.pop() ?? "";
    yield* pieces;
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}

/** The last line of what a program said, which mostly tells why it failed. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) || "no reason given";
}
