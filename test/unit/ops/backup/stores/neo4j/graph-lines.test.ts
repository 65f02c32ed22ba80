import fc from "fast-check";
import neo4j, {
  DateTime,
  Duration,
  Date as GraphDate,
  LocalDateTime,
  LocalTime,
  Point,
  Time,
} from "neo4j-driver-lite";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../../../../../../ops/backup/stores/neo4j/graph-lines.ts";

/** There and back, through the text of a line. */
function carried(value: unknown): unknown {
  return decodeValue(JSON.parse(JSON.stringify(encodeValue(value))));
}

describe("a property of the graph in a line", () => {
  it.each<[string, unknown]>([
    ["text", 'with "quotes", a line\nbreak and an emoji 🐝'],
    ["text that looks like a value", '{"$int":"1"}'],
    ["true", true],
    ["a whole number", neo4j.int("9007199254740993")],
    ["a float without a fraction", 1],
    ["no number", Number.NaN],
    ["zero below zero", -0],
    ["infinity", Number.NEGATIVE_INFINITY],
    ["a list of whole numbers", [neo4j.int(1), neo4j.int(-2)]],
    ["a list of texts", ["a", "b"]],
    ["a time with its zone", new DateTime(2026, 11, 24, 2, 30, 0, 123_000_000, 3600, undefined)],
    ["a time in a named zone", new DateTime(2026, 11, 24, 2, 30, 0, 5, 3600, "Europe/Berlin")],
    ["a time without a zone", new LocalDateTime(2026, 2, 3, 4, 5, 6, 7)],
    ["a date", new GraphDate(2026, 11, 24)],
    ["a time of the day", new Time(23, 59, 59, 999_999_999, -5400)],
    ["a time of the day without a zone", new LocalTime(0, 0, 0, 0)],
    ["a duration", new Duration(14, -3, 61, 500)],
    ["a point", new Point(neo4j.int(9157), 1.5, -2.5, 3)],
  ])("is %s again", (_, value) => {
    const back = carried(value) as object;
    // Fields of times come as numbers or as Neo4j's integers; both are written the same.
    expect(JSON.stringify(encodeValue(back))).toBe(JSON.stringify(encodeValue(value)));
    if (typeof value === "object") expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(value));
    else expect(back).toEqual(value);
  });

  it("is every list of floats, to the last bit, however it is packed", () => {
    const lists = fc.oneof(
      fc.array(fc.double(), { maxLength: 40 }),
      fc.array(fc.float(), { minLength: 16, maxLength: 40 }),
    );
    fc.assert(
      fc.property(lists, (values) => {
        const back = carried(values) as number[];
        expect(back).toHaveLength(values.length);
        for (const [index, value] of back.entries()) expect(value).toBe(values[index]);
      }),
    );
  });

  it("packs an embedding of single precision into four bytes each", () => {
    const embedding = Array.from(Float32Array.from({ length: 384 }, (_, index) => Math.sin(index)));
    expect(JSON.stringify(encodeValue(embedding)).length).toBeLessThan((384 * 4 * 4) / 3 + 20);
    expect(Object.keys(encodeValue(embedding.map((value) => value / 3)) as object)).toEqual(["$f64"]);
  });

  it("is refused when it is of an unknown kind", () => {
    expect(() => encodeValue({ a: 1 })).toThrow("a property of a type that Neo4j is not known to store");
    expect(() => decodeValue({ $other: "1" })).toThrow("unknown kind of value: $other");
  });
});
