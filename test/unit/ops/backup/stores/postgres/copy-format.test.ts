import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countRows } from "../../../../../../ops/backup/stores/postgres/copy-format.ts";

type Row = (Uint8Array | null)[];

/** A table as COPY writes it in binary; null is a field without a value. */
function copied(rows: Row[]): Buffer {
  const short = (value: number) => {
    const bytes = Buffer.alloc(2);
    bytes.writeInt16BE(value);
    return bytes;
  };
  const long = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const field = (value: Uint8Array | null) =>
    value === null ? [long(-1)] : [long(value.length), Buffer.from(value)];
  return Buffer.concat([
    Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"),
    long(0),
    long(0),
    ...rows.flatMap((row) => [short(row.length), ...row.flatMap(field)]),
    short(-1),
  ]);
}

function inPieces(bytes: Buffer, size: number): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces, { objectMode: false });
}

const table = fc.array(fc.array(fc.option(fc.uint8Array({ maxLength: 40 })), { maxLength: 4 }), {
  maxLength: 20,
});

describe("rows in COPY's binary format", () => {
  it("are counted, however the stream is cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 50 }), async (rows, size) => {
        expect(await countRows(inPieces(copied(rows), size))).toBe(rows.length);
      }),
    );
  });

  it("are not taken for whole when the end is missing, wherever it breaks off", async () => {
    const bytes = copied([[Buffer.from("one"), null], [Buffer.from("two")]]);
    for (let end = 0; end < bytes.length; end += 1) {
      await expect(countRows(inPieces(bytes.subarray(0, end), 8)), `${end} bytes`).rejects.toThrow("it ends");
    }
  });

  it("are neither something else nor followed by it", async () => {
    await expect(countRows(Readable.from([Buffer.alloc(40)]))).rejects.toThrow("does not begin as COPY does");
    const longer = Buffer.concat([copied([]), Buffer.from("x")]);
    await expect(countRows(inPieces(longer, 8))).rejects.toThrow("goes on behind its end");
  });
});
