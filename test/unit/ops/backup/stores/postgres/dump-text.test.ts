import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { piecesOf } from "../../../../../../ops/backup/stores/postgres/dump-text.ts";

/** What a dump says, in pieces of a size. */
async function read(dump: string, size = dump.length || 1, takesRows = true) {
  const bytes = Buffer.from(dump);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  const said: unknown[] = [];
  for await (const piece of piecesOf(Readable.from(chunks))) {
    if (piece.kind === "line") said.push(piece.text);
    else if (takesRows) {
      const rows: Buffer[] = [];
      for await (const some of piece.rows) rows.push(some);
      said.push({ ...piece.table, columns: piece.columns, rows: Buffer.concat(rows).toString() });
    }
  }
  return said;
}

describe("a dump in SQL", () => {
  it("is lines and rows of tables, whatever the rows contain", async () => {
    const rows = "1\tCOPY t (a) FROM stdin;\n2\t\\\\.\n\\.x\n";
    const dump = `SET a = b;\nCOPY public."my table" (id, "a, ""b""") FROM stdin;\n${rows}\\.\nSELECT 1;`;
    expect(await read(dump)).toEqual([
      "SET a = b;",
      { schema: "public", name: "my table", columns: ["id", 'a, "b"'], rows },
      "SELECT 1;",
    ]);
    expect(await read(dump, 7, false)).toEqual(["SET a = b;", "SELECT 1;"]);
  });

  it("may have tables without rows, and names without a schema", async () => {
    expect(await read("COPY t (a) FROM stdin;\n\\.\nCOPY t (a) FROM stdin;\n\\.\n")).toEqual([
      { schema: undefined, name: "t", columns: ["a"], rows: "" },
      { schema: undefined, name: "t", columns: ["a"], rows: "" },
    ]);
  });

  it("whose lines have no end takes no memory, for the rest of a long one is not kept", async () => {
    const [first, second] = await read(`${"a".repeat(100_000)}\nb`, 1000);
    expect([String(first).length, second]).toEqual([4096, "b"]);
  });

  it("that ends in the middle of rows says of which table", async () => {
    await expect(read("COPY public.memories (id) FROM stdin;\n1\n")).rejects.toThrow(
      "it ends in the middle of the rows of memories",
    );
  });

  it("is the same however it is cut into pieces", async () => {
    const row = fc.string({ unit: "binary" }).map((value) => value.replace(/[\n]/g, "."));
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.integer({ min: 1, max: 40 }), async (values, size) => {
        const rows = values.map((one) => `${one}\n`).filter((one) => one !== "\\.\n");
        const dump = `--\nCOPY t (a) FROM stdin;\n${rows.join("")}\\.\nSELECT 1;\n`;
        const wanted = {
          schema: undefined,
          name: "t",
          columns: ["a"],
          rows: Buffer.from(rows.join("")).toString(),
        };
        expect(await read(dump, size)).toEqual(["--", wanted, "SELECT 1;"]);
      }),
      { numRuns: 50 },
    );
  });
});
