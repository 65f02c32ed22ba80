import { Transform } from "node:stream";
import { byteSize } from "../../base/byte-size.ts";
import type { OnBytes } from "./part-files.ts";

/** How often a line tells of bytes: a terminal's own line is overwritten, lines elsewhere stay. */
const PASSING_MS = 1_000;
const LASTING_MS = 10_000;

/** Counts bytes and says from time to time how many there are, and how fast they come. */
export class ByteMeter {
  #total = 0;
  readonly #started: number;
  #saidAt: number;
  #lastingAt: number;
  readonly #now: () => number;
  readonly #say: (line: string, passing: boolean) => void;

  /** @param now milliseconds of a clock that never goes back */
  constructor(say: (line: string, passing: boolean) => void, now: () => number = () => performance.now()) {
    this.#say = say;
    this.#now = now;
    this.#started = now();
    this.#saidAt = this.#started;
    this.#lastingAt = this.#started;
  }

  readonly onBytes = (file: string, bytes: number): void => {
    this.#total += bytes;
    const now = this.#now();
    if (now - this.#saidAt < PASSING_MS) return;
    this.#saidAt = now;
    const passing = now - this.#lastingAt < LASTING_MS;
    if (!passing) this.#lastingAt = now;
    this.#say(`${this.summary()}: ${file}`, passing);
  };

  /** E.g. `139 MiB, 21.4 MiB/s`. */
  summary(): string {
    const seconds = Math.max((this.#now() - this.#started) / 1000, 0.001);
    return `${byteSize(this.#total)}, ${byteSize(this.#total / seconds)}/s`;
  }
}

/** Passes bytes on, and tells of them; who is told may end the stream by throwing. */
export function counting(file: string, onBytes: OnBytes): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        onBytes(file, chunk.length);
      } catch (error) {
        done(error as Error);
        return;
      }
      done(null, chunk);
    },
  });
}
