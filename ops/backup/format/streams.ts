import type { Duplex, Readable, Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { Problem } from "../../base/problem.ts";
import type { Part } from "./backup-manifest.ts";
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
  return unpacked(part, open(), createZstdDecompress(), bounded(part, room));
}

/** The same with gzip. */
export function gunzipped(file: Compressed, open: () => Readable): Readable {
  return unpacked(file, open(), createGunzip(), bounded(file));
}

function unpacked({ file }: Compressed, packed: Readable, unpacking: Transform, bound: Transform): Readable {
  const plain = through(packed, unpacking);
  plain.on("error", (cause) => {
    const mend = "it is damaged: take another backup";
    const why = `the part cannot be unpacked: ${cause.message}`;
    bound.destroy(cause instanceof Problem ? cause : new Problem(why, { where: file, mend, cause }));
  });
  bound.on("close", () => plain.destroy());
  return plain.pipe(bound);
}

/** The refusal of a part that says it has a format which its store does not come in. */
export function otherFormat({ file, format }: Part, what: string): Problem {
  return new Problem(`${what} cannot have the format ${format}`, {
    where: file,
    mend: "take another backup",
  });
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
