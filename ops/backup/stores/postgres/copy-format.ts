import type { Readable } from "node:stream";

/** What COPY's binary format begins with (PostgreSQL's manual, COPY, "Binary Format"). */
const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");
const HEADER_BYTES = SIGNATURE.length + 8;

/**
 * Counts the rows of a table in COPY's binary format, reading it from its first byte to its last.
 *
 * @throws Error when it does not begin, go on or end as that format does
 */
export async function countRows(stream: Readable): Promise<number> {
  const bytes = new Bytes(stream);
  const header = await bytes.take(HEADER_BYTES);
  if (!header.subarray(0, SIGNATURE.length).equals(SIGNATURE))
    throw new Error("it does not begin as COPY does");
  await bytes.skip(header.readUInt32BE(SIGNATURE.length + 4));
  for (let rows = 0; ; rows += 1) {
    const fields = (await bytes.take(2)).readInt16BE();
    if (fields === -1) {
      if (await bytes.more()) throw new Error("it goes on behind its end");
      return rows;
    }
    for (let field = 0; field < fields; field += 1) {
      const length = (await bytes.take(4)).readInt32BE();
      // A null has the length -1.
      if (length > 0) await bytes.skip(length);
    }
  }
}

/** Takes pieces of wanted lengths out of a stream. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#rest = value;
    }
    return true;
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const piece = await this.#some(missing);
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) missing -= (await this.#some(missing)).length;
  }

  /** At least one byte, and at most `wanted`. */
  async #some(wanted: number): Promise<Buffer> {
    if (!(await this.more())) throw new Error("it ends in the middle");
    const piece = this.#rest.subarray(0, wanted);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
