import type { Readable } from "node:stream";
import { Problem } from "./problem.ts";

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a file as bytes, without their ends (a newline, with or without a carriage return before it). Node's
 * own readline also ends lines at U+2028 and U+2029, which JSON has inside its texts.
 *
 * @param maxBytes longest line that is taken: what is no text at all has no ends of lines
 * @throws Problem when a line is longer
 */
export async function* byteLines(source: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  let number = 1;
  for await (const piece of source) {
    const chunk = Buffer.from(piece as Uint8Array);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield withoutReturn(Buffer.concat([...held, chunk.subarray(from, end)]));
      [held, size, from] = [[], 0, end + 1];
      number += 1;
    }
    held.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > maxBytes) {
      throw new Problem(`line ${number} has more than ${Math.round(maxBytes / 1024 ** 2)} MiB`);
    }
  }
  if (size > 0) yield withoutReturn(Buffer.concat(held));
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes as text; undefined when they are not UTF-8, which Node's own decoding would change without a word. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
