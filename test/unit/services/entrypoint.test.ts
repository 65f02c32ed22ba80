import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";

const SHARED = path.join(CHECKOUT, "services/shared/entrypoint.sh");
const scratch = scratchDirectory();

/** Runs a line of bash as an entrypoint would, with the shared half at hand. */
async function entrypoint(line: string, env: Record<string, string> = {}) {
  const script = `set -euo pipefail; source "${SHARED}" mem0-test; ${line}; echo passed`;
  const { exitCode, all } = await execa("bash", ["-c", script], { env, all: true, reject: false });
  return { exitCode, output: all };
}

function passwordFile(content: string): string {
  const file = path.join(scratch.path, "password");
  writeFileSync(file, content);
  return file;
}

describe("the password file of an image", () => {
  const check = (file: string) => entrypoint("check_password_file PASSWORD_FILE", { PASSWORD_FILE: file });

  it("holds the password in its one line, with or without an end", async () => {
    for (const content of ["word", "word\n"]) {
      expect(await check(passwordFile(content))).toEqual({ exitCode: 0, output: "passed" });
    }
  });

  it.each([
    ["is not named", () => "", "PASSWORD_FILE is not set"],
    ["does not exist", () => path.join(scratch.path, "none"), "(PASSWORD_FILE) does not exist"],
    ["is a directory", () => scratch.path, "cannot be read by uid"],
    ["is empty", () => passwordFile(""), "is empty"],
    ["has an empty first line", () => passwordFile("\nword\n"), "is empty"],
    ["has more than a line", () => passwordFile("a\nb\n"), "more than one line"],
  ])("that %s is refused: what is wrong, what mends it, and not what it holds", async (_, file, told) => {
    const { exitCode, output } = await check(file());
    expect(exitCode).toBe(1);
    const lines = output.split("\n");
    expect(lines[0]).toContain(told);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^mem0-test: [A-Z].*\.$/);
    expect(output).not.toContain("word\n");
  });
});

describe("a volume before the first start", () => {
  const check = () =>
    entrypoint('refuse_other_data "$VOLUME" "$VOLUME/data" data.new', { VOLUME: scratch.path });
  const put = (name: string) => writeFileSync(path.join(scratch.path, name), "");

  it("may hold what file systems and a Mac leave everywhere, and what an interrupted start left", async () => {
    for (const name of [".lock", ".DS_Store", "._data", "data.new"]) put(name);
    mkdirSync(path.join(scratch.path, "lost+found"));
    expect((await check()).output).toBe("passed");
  });

  it("is refused with anything else in it, which it names", async () => {
    put("base");
    put(".DS_Store");
    const { exitCode, output } = await check();
    expect(exitCode).toBe(1);
    expect(output).toContain(`it is not empty: ${scratch.path}/base.`);
  });
});

describe("a volume", () => {
  it("that is not there is refused", async () => {
    const { output } = await entrypoint('check_volume "$VOLUME"', {
      VOLUME: path.join(scratch.path, "none"),
    });
    expect(output).toContain("is not writable for uid");
  });
});
