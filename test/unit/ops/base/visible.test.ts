import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible, visibleJson } from "../../../../ops/base/visible.ts";

/** All that a terminal obeys: C0 but newline and tab, DEL, C1, overrides and isolates of direction. */
const ORDERS = [
  ...Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 0x09 && code !== 0x0a),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
].map((code) => String.fromCharCode(code));

describe("text on a terminal", () => {
  it.each([
    ["a colour", "\u001b[31mred", "\\x1b[31mred"],
    ["a window title", "\u001b]0;owned\u0007", "\\x1b]0;owned\\x07"],
    ["a line written over", "safe\revil", "safe\\x0devil"],
    ["an eight-bit control sequence", "\u009b2J", "\\x9b2J"],
    ["letters in another order", "user\u202etxt.exe", "user\\u202etxt.exe"],
    ["a line end of Windows", "one\r\ntwo", "one\ntwo"],
  ])("shows %s, and does not obey it", (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it.each([
    "two\nlines\tand a tab",
    "Žluťoučký kůň, 日本語, עברית\u200f, 👩\u200d👩\u200d👧",
    "C:\\users\\me",
  ])("leaves %j as it is", (text) => {
    expect(visible(text)).toBe(text);
  });

  it("never holds what a terminal obeys, whatever was given", () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom(...ORDERS), fc.string({ unit: "binary" })) });
    fc.assert(
      fc.property(text, (given) => {
        const shown = visible(given);
        expect(ORDERS.filter((order) => shown.includes(order))).toEqual([]);
        expect(visible(shown)).toBe(shown);
      }),
    );
  });
});

describe("JSON on a terminal", () => {
  it("is the same value, without what a terminal obeys", () => {
    const value = { memory: `${ORDERS.join("")}\n\tä`, list: [1, null] };
    const json = visibleJson(JSON.stringify(value, null, 2));
    expect(JSON.parse(json)).toEqual(value);
    expect(ORDERS.filter((order) => json.includes(order))).toEqual([]);
  });
});
