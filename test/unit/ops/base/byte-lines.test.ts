import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, it } from "vitest";
import { byteLines, utf8 } from "../../../../ops/base/byte-lines.ts";

async function linesOf(chunks: Uint8Array[], maxBytes = 1024): Promise<string[]> {
  const found: string[] = [];
  for await (const line of byteLines(Readable.from(chunks), maxBytes)) found.push(line.toString());
  return found;
}

it("a text has the same lines however it is cut into pieces, and none is cut where JSON is not", async () => {
  const line = fc.stringMatching(/^[ab\u2028\u2029\u0085ü😀]{0,6}$/u);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.nat(7), async (lines, size) => {
      const bytes = Buffer.from(`${lines.join("\n")}\n`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / (size + 1)) }, (_, index) =>
        bytes.subarray(index * (size + 1), (index + 1) * (size + 1)),
      );
      expect(await linesOf(chunks)).toEqual(lines);
    }),
  );
});

it("a carriage return before the end belongs to it, and a last line needs no end", async () => {
  expect(await linesOf([Buffer.from("a\r\nb\n\nc")])).toEqual(["a", "b", "", "c"]);
});

it("what has no lines is refused before it fills the memory", async () => {
  const endless = Array.from({ length: 5 }, () => Buffer.alloc(1024 ** 2, "x"));
  await expect(linesOf([Buffer.from("a\n"), ...endless], 3 * 1024 ** 2)).rejects.toThrow(
    "line 2 has more than 3 MiB",
  );
});

it("bytes that are no UTF-8 are told from a text that has the sign for such in it", () => {
  expect(utf8(Buffer.from("a\ufffdb"))).toBe("a\ufffdb");
  expect(utf8(Buffer.from([0x61, 0xff, 0x62]))).toBeUndefined();
});
