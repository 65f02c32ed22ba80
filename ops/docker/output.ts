import { Transform, type TransformCallback } from "node:stream";
import { Problem } from "../base/problem.ts";

/** Bytes that a program in a container writes. `done` settles when it has ended, and rejects when it failed. */
export interface ProgramOutput {
  stream: Transform;
  done: Promise<void>;
}

/** How much of a program's complaints is kept, from the end. */
const COMPLAINTS_BYTES = 4096;

const STDERR = 2;
const HEADER_BYTES = 8;

/** A piece of one of a program's two outputs. */
interface Piece {
  isError: boolean;
  bytes: Buffer;
}

/**
 * Takes apart what Docker sends of a container: pieces of its two outputs, each behind 8 bytes that tell which one it
 * is of and how long it is.
 */
class Pieces {
  #header = Buffer.alloc(0);
  #left = 0;
  #isError = false;

  /** The pieces in the next chunk, which may begin or end in the middle of one. */
  *of(chunk: Buffer): Generator<Piece> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const wanted = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#header.length < HEADER_BYTES) return;
        this.#isError = this.#header[0] === STDERR;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const bytes = rest.subarray(0, this.#left);
      this.#left -= bytes.length;
      rest = rest.subarray(bytes.length);
      yield { isError: this.#isError, bytes };
    }
  }
}

/** The end of a text, for what may be long and matters only when something went wrong. */
export class Tail {
  #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #limit: number;

  /** @param limit bytes that are kept at least, when there are as many */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) > this.#limit) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/**
 * Splits Docker's joined stream: standard output goes on, at the pace of whoever reads it; the end of standard error is
 * kept. The client library's own way takes everything into memory when the reader is slow.
 */
export class OutputSplitter extends Transform {
  readonly #pieces = new Pieces();
  readonly #complaints = new Tail(COMPLAINTS_BYTES);

  /** The end of what the program wrote to standard error. */
  get complaints(): string {
    return this.#complaints.text.slice(-COMPLAINTS_BYTES).trim();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (const { isError, bytes } of this.#pieces.of(chunk)) {
      if (isError) this.#complaints.add(bytes);
      else this.push(bytes);
    }
    done();
  }
}

/** Hands each chunk of Docker's joined stream to one of two. */
export function splitInto(stdout: Tail, stderr: Tail): (chunk: Buffer) => void {
  const pieces = new Pieces();
  return (chunk) => {
    for (const { isError, bytes } of pieces.of(chunk)) (isError ? stderr : stdout).add(bytes);
  };
}

/** The text of a container's log, both outputs together. */
export function textOfLog(log: Buffer): string {
  return Buffer.concat([...new Pieces().of(log)].map(({ bytes }) => bytes)).toString("utf8");
}

/**
 * What an attached program prints, as it comes.
 *
 * @param attached Docker's joined stream
 * @param what runs there, for people
 * @param exitCode asked for when the stream has ended
 */
export function outputOf(
  attached: NodeJS.ReadableStream,
  what: string,
  exitCode: () => Promise<number>,
): ProgramOutput {
  const stream = new OutputSplitter();
  const done = new Promise<void>((resolve, reject) => {
    attached.on("error", reject);
    stream.on("close", () => {
      // Nobody reads any further: the program is told by its broken pipe.
      (attached as unknown as { destroy?: () => void }).destroy?.();
    });
    attached.on("close", () => resolve());
    attached.on("end", () => resolve());
  }).then(async () => {
    const code = await exitCode();
    if (code === 0) return;
    const where = stream.complaints === "" ? {} : { where: stream.complaints };
    throw new Problem(`${what} failed (exit code ${code})`, where);
  });
  // Whoever reads the stream awaits `done` as well, but perhaps later.
  done.catch(() => {});
  attached.on("error", (error) => stream.destroy(error));
  attached.pipe(stream);
  return { stream, done };
}
