import type { Duplex, Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Like `pipe`, but a failure of either is a failure of what comes out. */
export function through(source: Readable, next: Duplex): Readable {
  source.on("error", (error) => next.destroy(error));
  next.on("close", () => source.destroy());
  return source.pipe(next);
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
