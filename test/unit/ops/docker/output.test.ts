import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outputOf, splitInto, Tail, textOfLog } from "../../../../ops/docker/output.ts";

/** A piece of an output as Docker sends it: 1 is standard output, 2 standard error. */
function framed(kind: 1 | 2, content: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(Buffer.byteLength(content), 4);
  return Buffer.concat([header, Buffer.from(content)]);
}

const SAID = Buffer.concat([framed(1, "one "), framed(2, "alas"), framed(1, ""), framed(1, "two")]);

/** What a connection may deliver at once. */
function cut(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

const ends = (exitCode: number) => async () => exitCode;

describe("what a container prints", () => {
  it("is split into its two outputs, however it is cut on its way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: SAID.length }), async (length) => {
        const { stream, done } = outputOf(Readable.from(cut(SAID, length)), "a program", ends(0));
        expect(await text(stream)).toBe("one two");
        await done;
        const [stdout, stderr] = [new Tail(100), new Tail(100)];
        cut(SAID, length).forEach(splitInto(stdout, stderr));
        expect([stdout.text, stderr.text]).toEqual(["one two", "alas"]);
      }),
    );
  });

  it("tells why the program failed", async () => {
    const { stream, done } = outputOf(Readable.from([SAID]), "a program", ends(3));
    stream.resume();
    await expect(done).rejects.toMatchObject({ message: "a program failed (exit code 3)", where: "alas" });
  });

  it("is the text of its log, both outputs in their order", () => {
    expect(textOfLog(SAID)).toBe("one alastwo");
  });

  it("is kept from its end when there is much of it", () => {
    const tail = new Tail(5);
    for (const piece of ["much ", "that ", "is old, ", "new"]) tail.add(Buffer.from(piece));
    expect(tail.text).toBe("is old, new");
  });
});
