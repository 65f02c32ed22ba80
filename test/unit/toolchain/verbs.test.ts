import { readdirSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { VERBS } from "../../../scripts/cli/verbs.ts";
import { officialArchive } from "../../../toolchain/steps/pulumi.ts";

describe("the verbs of ./mem0", () => {
  it.each(VERBS.map((verb) => [verb.name, verb] as const))(
    "include %s, named and described the same everywhere",
    async (name, verb) => {
      const program = new Command();
      (await verb.load()).register(program);
      expect(program.commands.map((command) => [command.name(), command.description()])).toEqual([
        [name, verb.summary],
      ]);
    },
  );

  it("are all the verbs that there are files for", async () => {
    const modules = readdirSync("scripts")
      .filter((file) => file.endsWith(".ts") && !["mem0.ts", "program.ts", "verbs.ts"].includes(file))
      .map((file) => path.basename(file, ".ts"));
    const exporting = await Promise.all(
      modules.map(async (name) => {
        const exported: object = await import(`../../../scripts/${name}.ts`);
        return "register" in exported ? [name] : [];
      }),
    );
    expect(VERBS.map(({ name }) => name).sort()).toEqual(exporting.flat().sort());
  });
});

describe("the vendor's archive", () => {
  it.each([
    ["linux", "x64", "pulumi-v3.259.0-linux-x64.tar.gz"],
    ["linux", "arm64", "pulumi-v3.259.0-linux-arm64.tar.gz"],
    ["darwin", "arm64", "pulumi-v3.259.0-darwin-arm64.tar.gz"],
  ] as const)("for %s on %s is %s", (platform, arch, file) => {
    expect(officialArchive("3.259.0", platform, arch)).toBe(`https://get.pulumi.com/releases/sdk/${file}`);
  });
});
