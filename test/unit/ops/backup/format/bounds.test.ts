import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Part } from "../../../../../ops/backup/format/backup-manifest.ts";
import { mostUnpacked } from "../../../../../ops/backup/format/bounds.ts";
import type { OpenPart } from "../../../../../ops/backup/format/part.ts";
import { decompressed, gunzipped } from "../../../../../ops/backup/format/streams.ts";

const MIB = 1024 ** 2;
const FILE = "neo4j/graph.jsonl.zst";

function part(packed: Buffer, other: Partial<Part> = {}): OpenPart {
  const { length: bytes } = packed;
  const known = {
    source: "neo4j",
    name: "graph",
    file: FILE,
    format: "graph-lines-zstd",
    bytes,
    seconds: 0,
  } as const;
  return { part: { ...known, ...other }, open: () => Readable.from([packed]) };
}

describe("what a part unpacks to", () => {
  const text = Buffer.from("a memory ".repeat(1000));

  it("comes whole, when it is what was written", async () => {
    const packed = zstdCompressSync(text);
    for (const unpackedBytes of [undefined, text.length])
      expect(await buffer(decompressed(part(packed, { unpackedBytes })))).toEqual(text);
    const gzip = gzipSync(text);
    expect(
      await buffer(gunzipped({ file: "x.sql.gz", bytes: gzip.length }, () => Readable.from([gzip]))),
    ).toEqual(text);
  });

  it.each([
    ["zstd", (bomb: Buffer) => decompressed(part(zstdCompressSync(bomb)))],
    ["gzip", (bomb: Buffer) => gunzipped({ file: FILE, bytes: 1000 }, () => Readable.from([gzipSync(bomb)]))],
  ])("ends at its bound when it is a bomb of %s, and says which part it is", async (_, open) => {
    const stream = open(Buffer.alloc(200 * MIB));
    let read = 0;
    stream.on("data", (chunk: Buffer) => {
      read += chunk.length;
    });
    const [error] = await once(stream, "error");
    expect(error).toMatchObject({
      message: expect.stringMatching(/^the part unpacks to more than 6\d(\.\d)? MiB, which none does/),
      where: FILE,
      mend: expect.stringContaining("take another one"),
    });
    expect(read).toBeLessThan(70 * MIB);
  });

  it("is neither more nor less than its manifest says", async () => {
    const packed = zstdCompressSync(text);
    const read = (unpackedBytes: number) => buffer(decompressed(part(packed, { unpackedBytes })));
    await expect(read(text.length - 1)).rejects.toThrow("more than the 8999 bytes that its manifest says");
    await expect(read(text.length + 1)).rejects.toThrow("9000 bytes, not to the 9001 that its manifest says");
  });

  it("fits into the room that there is", async () => {
    await expect(buffer(decompressed(part(zstdCompressSync(text)), 100))).rejects.toMatchObject({
      message: "the part does not fit on the disk: 100 B are free for it",
      where: FILE,
      mend: expect.stringContaining("free space"),
    });
  });

  it("may be much for a small server's log, which is mostly empty", () => {
    const of = (format: Part["format"]) => mostUnpacked({ file: FILE, bytes: 10_000, format });
    expect(of("pg-log-zstd")).toBeGreaterThan(60 * 16 * MIB);
    expect(of("graph-lines-zstd")).toBeLessThan(70 * MIB);
  });
});
