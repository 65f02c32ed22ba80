import { describe, expect, it } from "vitest";
import { officialArchive } from "../../../toolchain/steps/pulumi.ts";

describe("the vendor's archive", () => {
  it.each([
    ["linux", "x64", "pulumi-v3.259.0-linux-x64.tar.gz"],
    ["linux", "arm64", "pulumi-v3.259.0-linux-arm64.tar.gz"],
    ["darwin", "arm64", "pulumi-v3.259.0-darwin-arm64.tar.gz"],
  ] as const)("for %s on %s is %s", (platform, arch, file) => {
    expect(officialArchive("3.259.0", platform, arch)).toBe(`https://get.pulumi.com/releases/sdk/${file}`);
  });
});
