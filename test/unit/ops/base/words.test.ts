import { describe, expect, it } from "vitest";
import { byteSize } from "../../../../ops/base/byte-size.ts";
import { counted } from "../../../../ops/base/words.ts";

describe("numbers for people", () => {
  it.each([
    [0, "memory", "0 memories"],
    [1, "memory", "1 memory"],
    [12_345, "memory", "12,345 memories"],
    [2, "user", "2 users"],
    [1, "history entry", "1 history entry"],
    [3, "key", "3 keys"],
  ])("count %i of one %s as %s", (count, one, text) => {
    expect(counted(count, one)).toBe(text);
  });

  it("take a plural of another kind", () => {
    expect(counted(2, "child", "children")).toBe("2 children");
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [2_000_000, "1.91 MiB"],
    [5e9, "4.66 GiB"],
  ])("measure %i bytes in binary units: %s", (bytes, text) => {
    expect(byteSize(bytes)).toBe(text);
  });
});
