import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type KnownLabels,
  Malformed,
  parseExposition,
} from "../../../../services/exporter/src/exposition.ts";
import { Page } from "../../../../services/exporter/src/page.ts";

describe("a page of metrics", () => {
  it("is read line by line, comments and blank lines left out", () => {
    const text =
      '# HELP a b\n# TYPE a counter\na{x="1",y="two words"} 3\n\nb 1.5e3\nc_bucket{le="+Inf"} +Inf\nd NaN\n';
    expect(parseExposition(text)).toEqual([
      { name: "a", labels: { x: "1", y: "two words" }, value: 3 },
      { name: "b", labels: {}, value: 1500 },
      { name: "c_bucket", labels: { le: "+Inf" }, value: Number.POSITIVE_INFINITY },
      { name: "d", labels: {}, value: Number.NaN },
    ]);
  });

  it.each(["a{x=1} 2", 'a{x="1" 2', "a", "<html>", 'a{x="1"} two', 'a{x="1",,} 2'])(
    "with the line %s is refused, and the line named",
    (line) => {
      expect(() => parseExposition(`fine 1\n${line}\n`)).toThrow(Malformed);
    },
  );

  it("shares labels with the page before it, and never a value", () => {
    const known: KnownLabels = new Map();
    const [before] = parseExposition('a{x="1"} 3', known);
    const [after, other] = parseExposition('a{x="1"} 4\na{x="2"} 4', known);
    expect(after).toEqual({ name: "a", labels: { x: "1" }, value: 4 });
    expect(after?.labels).toBe(before?.labels);
    expect(other?.labels).toEqual({ x: "2" });
  });

  it("that the exporter wrote is read back as it was, whatever the labels hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.double({ noNaN: true }), async (table, bytes) => {
        const page = new Page();
        page.set("mem0_database_table_size_bytes", bytes, { table });
        const [sample] = parseExposition(await page.render());
        expect(sample).toEqual({
          name: "mem0_database_table_size_bytes",
          labels: { table },
          value: bytes === 0 ? 0 : bytes,
        });
      }),
    );
  });
});
