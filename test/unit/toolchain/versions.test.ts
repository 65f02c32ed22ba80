import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atLeast, parseVersion } from "../../../toolchain/versions.ts";

describe("a version", () => {
  it.each([
    ["v3.259.0", "3.259.0"],
    ["go1.26.8", "1.26.8"],
    ["20.10.24+dfsg1", "20.10.24"],
    ["1.41", "1.41.0"],
    ["go1.25rc1", "1.25.0"],
  ])("is read from %s", (text, version) => {
    expect(parseVersion(text)).toBe(version);
  });

  it.each(["", "devel", "v"])("is not found in %j", (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  it.each([
    ["22.18.0", "22.18", true],
    ["22.9.0", "22.18", false],
    ["23.0", "22.18", true],
    ["1.41", "1.41", true],
    ["1.9", "1.41", false],
    ["1.100", "1.41", true],
    ["no version", "1.0", false],
  ])("%s is at least %s: %s", (found, needed, expected) => {
    expect(atLeast(found, needed)).toBe(expected);
  });

  const version = fc.array(fc.nat(300), { minLength: 1, maxLength: 3 });
  const text = (numbers: number[]) => numbers.join(".");

  it("is at least itself, also with zeros added", () => {
    fc.assert(
      fc.property(
        version,
        (one) => atLeast(text(one), text([...one, 0, 0].slice(0, 3))) && atLeast(`v${text(one)}`, text(one)),
      ),
    );
  });

  it("is newer or older than any other that is not equal, never both", () => {
    fc.assert(
      fc.property(version, version, (one, other) => {
        const [up, down] = [atLeast(text(one), text(other)), atLeast(text(other), text(one))];
        const pad = (numbers: number[]) => text([...numbers, 0, 0, 0].slice(0, 3));
        expect(up && down).toBe(pad(one) === pad(other));
        expect(up || down).toBe(true);
      }),
    );
  });
});
