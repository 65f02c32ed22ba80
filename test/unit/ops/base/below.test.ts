import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { makeAppear } from "../../../../ops/base/appear.ts";
import { lookBelow, makeBelow, readBelow, streamBelow } from "../../../../ops/base/below.ts";
import { writeBelow } from "../../../../ops/base/write-below.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const at = (...names: string[]) => path.join(scratch.path, ...names);

beforeEach(() => {
  mkdirSync(at("root", "a"), { recursive: true });
  mkdirSync(at("theirs"));
  writeFileSync(at("theirs", "file"), "theirs");
});

describe("a file below a directory", () => {
  it("is written, found and read, with the directories on its way", async () => {
    writeBelow(at("root"), at("root", "b", "c", "file"), "mine");
    expect(statSync(at("root", "b", "c", "file")).mode & 0o777).toBe(0o600);
    expect(statSync(at("root", "b")).mode & 0o777).toBe(0o700);
    expect(readBelow(at("root"), at("root", "b", "c", "file"))).toBe("mine");
    expect(await text(streamBelow(at("root"), at("root", "b", "c", "file")))).toBe("mine");
    expect(readBelow(at("root"), at("root", "no", "file"))).toBeUndefined();
    expect(lookBelow(at("root"), at("root", "b", "c", "file", "deeper"))).toBeUndefined();
    expect(() => lookBelow(at("root"), at("theirs"))).toThrow("is not below");
  });

  it("is not read as a text when it is longer than any", () => {
    writeFileSync(at("root", "a", "file"), "");
    truncateSync(at("root", "a", "file"), 5 * 1024 ** 3);
    expect(() => readBelow(at("root"), at("root", "a", "file"))).toThrow(
      "file is a file of 5368709120 bytes, and no text of this tool is as long",
    );
  });

  it.each([
    ["the file", ["a", "file"], ["theirs", "file"]],
    ["a directory on the way", ["b"], ["theirs"]],
  ])("is neither read nor written where %s is a link", (_, link, target) => {
    symlinkSync(at(...target), at("root", ...link));
    const file = at("root", link[0] ?? "", "file");
    const refused = /is a symbolic link, which is not followed/;
    expect(() => readBelow(at("root"), file)).toThrow(refused);
    expect(() => streamBelow(at("root"), file)).toThrow(refused);
    expect(() => writeBelow(at("root"), file, "mine")).toThrow(refused);
    expect(() => makeBelow(at("root"), path.join(file, "deeper"))).toThrow(refused);
    expect(readFileSync(at("theirs", "file"), "utf8")).toBe("theirs");
    expect(existsSync(at("theirs", "deeper"))).toBe(false);
  });

  it("is found through a link to the directory itself, which is a person's own choice", () => {
    writeBelow(at("root"), at("root", "file"), "mine");
    symlinkSync(at("root"), at("link"));
    expect(readBelow(at("link"), at("link", "file"))).toBe("mine");
  });

  it("is no pipe, which would wait for its writer for ever", async () => {
    await execa("mkfifo", [at("root", "pipe")]);
    expect(() => readBelow(at("root"), at("root", "pipe"))).toThrow("is no file, which is not followed");
  });
});

describe("a file that appears with its content", () => {
  it("takes the place of no other, and writes through no link", () => {
    writeFileSync(at("root", "there"), "before");
    expect(makeAppear(at("root", "there"), "mine")).toBe(false);
    expect(readFileSync(at("root", "there"), "utf8")).toBe("before");
    symlinkSync(at("theirs", "file"), at("root", `new.${process.pid}`));
    expect(makeAppear(at("root", "new"), "mine")).toBe(true);
    expect(readFileSync(at("theirs", "file"), "utf8")).toBe("theirs");
    expect(readFileSync(at("root", "new"), "utf8")).toBe("mine");
    expect(statSync(at("root", "new")).mode & 0o777).toBe(0o600);
    expect(existsSync(at("root", `new.${process.pid}`))).toBe(false);
  });
});
