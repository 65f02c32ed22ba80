import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  findManifest,
  listManifests,
  readManifest,
  stackDirectory,
} from "../../../../ops/stack/manifest-file.ts";
import { putBackManifest } from "../../../../ops/stack/manifest-recovery.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const home = scratchDirectory();
const fileOf = (stack: string) => path.join(stackDirectory(home.path, stack), "manifest.json");
const text = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

function write(stack: string, content: string): void {
  mkdirSync(stackDirectory(home.path, stack), { recursive: true });
  writeFileSync(fileOf(stack), content);
}

describe("a manifest", () => {
  it.each([
    ["half written", '{"version": 1, "stack"', "not JSON"],
    ["of something else", "[]", "expected object"],
    ["without its identity", text({ ...exampleManifest(), instanceId: undefined }), "instanceId"],
  ])("that is %s is named, with the command that writes it again", (_, content, why) => {
    write("prd", content);
    const problem = {
      message: expect.stringMatching(new RegExp(`^the manifest cannot be read: .*${why}`)),
      where: fileOf("prd"),
      mend: expect.stringMatching(/^\.\/mem0 up prd/),
    };
    expect(() => readManifest(home.path, "prd")).toThrow(expect.objectContaining(problem));
  });

  it("with keys that this version does not know, in any of its groups, is read without them", () => {
    const backup = {
      root: "/b",
      keep: { hourly: 1, daily: 1, weekly: 1, monthly: 1, yearly: 2 },
      format: "custom",
      maxDropShare: 0.2,
      recipients: [],
      compression: "xz",
    };
    write("prd", text({ ...exampleManifest({ stack: "prd" }), backup, ofLater: { mail: true } }));
    const { backup: read, ...rest } = readManifest(home.path, "prd");
    expect(rest).toEqual(exampleManifest({ stack: "prd" }));
    expect(read).toMatchObject({ root: "/b", keep: { hourly: 1 }, hourlyFiles: false });
  });

  it("of a newer version is refused by that name, with what reads it", () => {
    write("prd", text({ ...exampleManifest(), version: 2 }));
    expect(() => readManifest(home.path, "prd")).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^a newer version deployed stack prd: its manifest is of version 2/),
        mend: expect.stringContaining("take the checkout that deployed the stack last"),
      }),
    );
  });

  it("that was never written is no damaged one: the stack was never deployed", () => {
    expect(() => readManifest(home.path, "test")).toThrow("stack test was never deployed here");
    expect(findManifest(home.path, "test")).toBeUndefined();
  });

  it("that is another stack's and damaged keeps this one from nothing", () => {
    write("other", "{");
    write("test", text(exampleManifest()));
    expect(listManifests(home.path).map(({ stack }) => stack)).toEqual(["test"]);
  });
});

describe("the engine's state", () => {
  const deployed = text(exampleManifest());
  const resources = (stdin: unknown) => [
    { urn: "a", type: "docker:index/container:Container", inputs: {} },
    { urn: "b", type: "command:local:Command", inputs: { environment: { FILE: fileOf("test") }, stdin } },
  ];
  const secret = { "4dabf18193072939515e22adb298388d": "1b4", plaintext: JSON.stringify(deployed) };

  it.each([
    ["damaged", "{"],
    ["gone", undefined],
  ])("puts back a manifest that is %s, as it was deployed", (_, content) => {
    if (content !== undefined) write("test", content);
    expect(putBackManifest(resources(secret))).toBe(fileOf("test"));
    expect(readFileSync(fileOf("test"), "utf8")).toBe(deployed);
    expect(statSync(fileOf("test")).mode & 0o777).toBe(0o600);
    rmSync(fileOf("test"));
    expect(putBackManifest(resources(deployed))).toBe(fileOf("test"));
  });

  it("leaves one alone that can be read, or that a newer version wrote", () => {
    for (const content of [text(exampleManifest({ defaultUser: "you" })), text({ version: 2 })]) {
      write("test", content);
      expect(putBackManifest(resources(secret))).toBeUndefined();
      expect(readFileSync(fileOf("test"), "utf8")).toBe(content);
    }
  });

  it.each([undefined, { plaintext: '"half"' }, { ciphertext: "v1:x" }])(
    "that holds none (%j) puts none back",
    (stdin) => {
      expect(putBackManifest(resources(stdin))).toBeUndefined();
      expect(existsSync(fileOf("test"))).toBe(false);
    },
  );
});
