import { describe, expect, it } from "vitest";
import { matchesLock } from "../../../toolchain/dependencies.ts";

const zod = { version: "4.6.7", integrity: "sha512-aaa" };
const fsevents = { version: "2.3.3", integrity: "sha512-bbb", optional: true };
const wanted = {
  packages: { "": { version: "0.1.0" }, "node_modules/zod": zod, "node_modules/fsevents": fsevents },
};

describe("the installed packages", () => {
  it("match package-lock.json without the optional ones of other platforms", () => {
    expect(matchesLock(wanted, { packages: { "node_modules/zod": zod } })).toBe(true);
    expect(
      matchesLock(wanted, { packages: { "node_modules/zod": zod, "node_modules/fsevents": fsevents } }),
    ).toBe(true);
  });

  it.each<[string, Parameters<typeof matchesLock>[1]]>([
    ["one is missing", { packages: {} }],
    ["one has another version", { packages: { "node_modules/zod": { ...zod, version: "4.6.6" } } }],
    ["one has other content", { packages: { "node_modules/zod": { ...zod, integrity: "sha512-ccc" } } }],
    [
      "an optional one has another version",
      { packages: { "node_modules/zod": zod, "node_modules/fsevents": { ...fsevents, version: "2.0.0" } } },
    ],
  ])("do not match when %s", (_what, installed) => {
    expect(matchesLock(wanted, installed)).toBe(false);
  });
});
