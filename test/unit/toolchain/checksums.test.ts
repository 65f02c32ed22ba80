import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checksumIn, pinnedChecksum } from "../../../toolchain/checksums.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { pluginArchive } from "../../../toolchain/steps/plugin.ts";

const sum = "0123456789abcdef".repeat(4);

describe("the table of checksums", () => {
  it("names an archive by its whole name", () => {
    const table = `# a comment\n${sum}  pulumi-v1.2.3-linux-x64.tar.gz\n`;
    expect(checksumIn(table, "pulumi-v1.2.3-linux-x64.tar.gz")).toBe(sum);
    expect(checksumIn(table, "v1.2.3-linux-x64.tar.gz")).toBeUndefined();
    expect(checksumIn("abc  short.tar.gz", "short.tar.gz")).toBeUndefined();
  });

  it("holds nothing but comments and lines of sha256sum", () => {
    const lines = readFileSync(path.join(CHECKOUT, "toolchain", "checksums.txt"), "utf8")
      .trim()
      .split("\n");
    for (const line of lines) expect(line).toMatch(/^(#.*|[0-9a-f]{64} {2}pulumi-\S+\.tar\.gz)$/);
  });
});

describe("an archive that the table does not name", () => {
  it("is not taken, and the error says what is", () => {
    const archive = pluginArchive("docker", "0.0.0", "darwin", "arm64");
    expect(archive).toBe("pulumi-resource-docker-v0.0.0-darwin-arm64.tar.gz");
    expect(() => pinnedChecksum(CHECKOUT, archive)).toThrow(
      expect.objectContaining({
        message: `${archive} has no checksum to compare it with, so it is not taken`,
        where: "toolchain/checksums.txt",
        mend: expect.stringContaining("--way registries"),
      }),
    );
  });
});
