import fc from "fast-check";
import { expect, test } from "vitest";
import {
  containsSecret,
  decode,
  encode,
  isProperties,
  type Marked,
  type MarkedProperties,
  markLike,
  reveal,
  revealProperties,
  Secret,
  secretTexts,
  UNKNOWN,
  type Value,
} from "../../../../toolchain/plugins/protocol/value.ts";

const leaf = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(UNKNOWN),
);
const { value, marked } = fc.letrec<{ value: Value; marked: Marked }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("value")), fc.dictionary(key(), tie("value"))),
  marked: fc.oneof(
    { depthSize: "small" },
    leaf,
    tie("value").map((inner) => new Secret(inner)),
    fc.array(tie("marked")),
    fc.dictionary(key(), tie("marked")),
  ),
}));

function key() {
  return fc.string({ maxLength: 8 }).filter((name) => name !== "__proto__");
}

test("what is encoded is decoded to the same value, with its secrets and unknowns", () => {
  fc.assert(
    fc.property(marked, (input) => {
      expect(decode(encode(input))).toEqual(input);
    }),
  );
});

test("every kind of unknown that the engine sends is recognised", () => {
  for (const sent of ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"]) {
    expect(decode({ a: [sent] })).toEqual({ a: [UNKNOWN] });
  }
});

test("revealing takes every secret mark off and nothing else away", () => {
  fc.assert(
    fc.property(value, fc.infiniteStream(fc.boolean()), (plain, marks) => {
      expect(reveal(marking(plain, marks))).toEqual(plain);
    }),
  );
});

/** The value with secret marks at places that chance decides. */
function marking(plain: Value, marks: Iterator<boolean>): Marked {
  if (marks.next().value) return new Secret(plain);
  if (Array.isArray(plain)) return plain.map((element) => marking(element, marks));
  if (!isProperties(plain)) return plain;
  return Object.fromEntries(Object.entries(plain).map(([name, element]) => [name, marking(element, marks)]));
}

test("an output is secret where its input is, and keeps its value", () => {
  fc.assert(
    fc.property(fc.dictionary(key(), marked), (inputs) => {
      const outputs: MarkedProperties = { ...revealProperties(inputs), computed: "by Docker" };
      const result = markLike(outputs, inputs);
      expect(revealProperties(result)).toEqual(outputs);
      for (const [name, input] of Object.entries(inputs)) {
        if (name !== "computed") expect(containsSecret(result[name])).toBe(containsSecret(input));
      }
    }),
  );
});

test("one secret in a list makes the whole list secret, since its order may change", () => {
  const result = markLike({ envs: ["B=2", "A=1"] }, { envs: ["A=1", new Secret("B=2")] });
  expect(result).toEqual({ envs: new Secret(["B=2", "A=1"]) });
});

test("the secret texts of a value are those under a mark only", () => {
  expect(secretTexts({ a: "open", b: new Secret({ c: ["x", 1, "y"] }), d: [new Secret("z")] })).toEqual([
    "x",
    "y",
    "z",
  ]);
});
