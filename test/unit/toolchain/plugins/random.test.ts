import fc from "fast-check";
import { expect, test } from "vitest";
import { type CharacterClass, generate } from "../../../../toolchain/plugins/random/generate.ts";
import { spellings } from "../../../../toolchain/plugins/random/id.ts";

const CLASSES = ["abc", "ABC", "123", "_-"];
const classes = fc.tuple(
  ...CLASSES.map((characters) =>
    fc.record({ characters: fc.constant(characters), allowed: fc.boolean(), least: fc.nat(4) }),
  ),
);
const countOf = (text: string, { characters }: CharacterClass) =>
  [...text].filter((character) => characters.includes(character)).length;

test("a password has its length, the least of each class, and no character of a class that is not wanted", () => {
  fc.assert(
    fc.property(classes, fc.nat(20), (wanted, more) => {
      fc.pre(wanted.some(({ allowed }) => allowed));
      const length = wanted.reduce((sum, { least }) => sum + least, 0) + more;
      const password = generate(length, wanted);
      expect(password).toHaveLength(length);
      for (const one of wanted) {
        const count = countOf(password, one);
        expect(count).toBeGreaterThanOrEqual(one.least);
        if (!one.allowed) expect(count).toBe(one.least);
      }
    }),
  );
});

test("every character and every place is as likely as any other", () => {
  // With all indices of a small case tried once, each of the 2 * 2 results has to come out equally often.
  const results = new Map<string, number>();
  for (const first of [0, 1]) {
    for (const second of [0, 1]) {
      for (const place of [0, 1]) {
        const chosen = [first, second, place];
        const password = generate(
          2,
          [{ characters: "ab", allowed: true, least: 0 }],
          () => chosen.shift() ?? 0,
        );
        results.set(password, (results.get(password) ?? 0) + 1);
      }
    }
  }
  expect(Object.fromEntries(results)).toEqual({ aa: 2, ab: 2, ba: 2, bb: 2 });
});

test("a password that cannot be is refused", () => {
  const none = { characters: "abc", allowed: false, least: 0 };
  expect(() => generate(3, [none])).toThrow("no kind of character is allowed");
  expect(() => generate(3, [{ ...none, least: 4 }])).toThrow("the least numbers add up to 4");
  expect(() => generate(3, [{ characters: "", allowed: true, least: 1 }])).toThrow("a kind that has none");
});

test("the spellings of an id are those of its bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), fc.string(), (array, prefix) => {
      const bytes = Buffer.from(array);
      const { b64Std, b64Url, hex, dec } = spellings(bytes, prefix) as Record<string, string>;
      const rest = (text = "") => text.slice(prefix.length);
      expect(Buffer.from(rest(b64Std), "base64")).toEqual(bytes);
      expect(Buffer.from(rest(b64Url), "base64url")).toEqual(bytes);
      expect(Buffer.from(rest(hex), "hex")).toEqual(bytes);
      expect(BigInt(rest(dec)).toString(16)).toBe(bytes.toString("hex").replace(/^0+(?=.)/, ""));
    }),
  );
});
