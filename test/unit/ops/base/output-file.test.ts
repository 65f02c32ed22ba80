import { spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { outputTo, ReaderGone } from "../../../../ops/base/output-file.ts";
import { ExitCode, type Problem } from "../../../../ops/base/problem.ts";
import { CHECKOUT } from "../../../../toolchain/layout.ts";
import { needing } from "../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const room = scratchDirectory();
const at = (name: string) => path.join(room.path, name);

async function* pieces(...texts: string[]) {
  yield* texts;
}

function problemOf(work: () => unknown): Problem {
  try {
    work();
  } catch (error) {
    return error as Problem;
  }
  throw new Error("it was not refused");
}

/** A program of its own that writes a text to `target`: what descriptors stand for differs from this process. */
function writing(target: string, text: string) {
  const module = pathToFileURL(path.join(CHECKOUT, "ops/base/output-file.ts")).href;
  return `const { outputTo } = await import(${JSON.stringify(module)});
    await outputTo(${JSON.stringify(target)}).write((async function* () { yield ${JSON.stringify(text)}; })());`;
}
const program = (source: string) => [
  "--disable-warning=ExperimentalWarning",
  "--input-type=module",
  "-e",
  source,
];

describe("a file", () => {
  it("has its name when it is whole, is its owner's alone, and leaves nothing beside it", async () => {
    const seen: string[] = [];
    async function* looked() {
      yield "one\n";
      seen.push(...readdirSync(room.path));
      yield "two\n";
    }
    await outputTo(at("out")).write(looked());
    expect(seen).toEqual([expect.stringMatching(/^\.mem0-[0-9a-f]{16}\.partial$/)]);
    expect(readdirSync(room.path)).toEqual(["out"]);
    expect(readFileSync(at("out"), "utf8")).toBe("one\ntwo\n");
    expect(statSync(at("out")).mode & 0o777).toBe(0o600);
  });

  it("that is there is named and kept, and replaced by force", async () => {
    writeFileSync(at("out"), "old");
    writeFileSync(at("out.part"), "somebody's own");
    const refused = problemOf(() => outputTo(at("out")));
    expect(refused).toMatchObject({ exitCode: ExitCode.usage, where: at("out") });
    expect(refused.mend).toContain("--force");
    await outputTo(at("out"), { force: true }).write(pieces("new"));
    expect(readFileSync(at("out"), "utf8")).toBe("new");
    expect(readFileSync(at("out.part"), "utf8")).toBe("somebody's own");
  });

  it("that comes while another is written is kept", async () => {
    async function* slow() {
      writeFileSync(at("out"), "somebody's");
      yield "ours";
    }
    await expect(outputTo(at("out")).write(slow())).rejects.toThrow("it came while this ran");
    expect(readdirSync(room.path)).toEqual(["out"]);
    expect(readFileSync(at("out"), "utf8")).toBe("somebody's");
  });

  it("that breaks off leaves the old one whole and no part, and what broke it is told", async () => {
    writeFileSync(at("out"), "old");
    async function* broken() {
      yield "new";
      throw new Error("the server has gone");
    }
    await expect(outputTo(at("out"), { force: true }).write(broken())).rejects.toThrow("the server has gone");
    expect(readdirSync(room.path)).toEqual(["out"]);
    expect(readFileSync(at("out"), "utf8")).toBe("old");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("that %s cuts off leaves no part", async (signal) => {
    const module = pathToFileURL(path.join(CHECKOUT, "ops/base/output-file.ts")).href;
    const source = `const { outputTo } = await import(${JSON.stringify(module)});
      await outputTo(${JSON.stringify(at("out"))}).write((async function* () {
        yield "one"; console.log("begun"); await new Promise((done) => setTimeout(done, 60_000)); })());`;
    const child = spawn(process.execPath, program(source), { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(readdirSync(room.path)).toHaveLength(1);
    child.kill(signal);
    await new Promise((resolve) => child.once("exit", resolve));
    expect(readdirSync(room.path)).toEqual([]);
  });

  it("is written where a link leads, which stays a link, also where nothing is yet", async () => {
    mkdirSync(at("elsewhere"));
    symlinkSync("elsewhere/target", at("link"));
    await outputTo(at("link")).write(pieces("first"));
    await outputTo(at("link"), { force: true }).write(pieces("second"));
    expect(readlinkSync(at("link"))).toBe("elsewhere/target");
    expect(readFileSync(at("elsewhere/target"), "utf8")).toBe("second");
    symlinkSync("round", at("round"));
    expect(problemOf(() => outputTo(at("round"))).message).toContain("circle");
  });

  it("in no directory, or that is one, is refused before anything is asked", () => {
    expect(problemOf(() => outputTo(at("no/such"))).message).toContain(`no directory ${at("no")}`);
    expect(problemOf(() => outputTo(room.path)).message).toContain("directory");
    writeFileSync(at("file"), "");
    expect(problemOf(() => outputTo(at("file/below"))).exitCode).toBe(ExitCode.usage);
  });

  it("where its owner may not write is told so", async () => {
    chmodSync(room.path, 0o555);
    // Root may write everywhere, and is nobody for the moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      await expect(outputTo(at("out")).write(pieces("x"))).rejects.toThrow("you may not write there");
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(room.path, 0o700);
    }
  });
});

describe("what is no file", () => {
  it("stays what it is: a pipe is written to, and so is a device", async () => {
    await execa("mkfifo", [at("pipe")]);
    const reader = execa("cat", [at("pipe")]);
    await outputTo(at("pipe")).write(pieces("through ", "a pipe"));
    expect((await reader).stdout).toBe("through a pipe");
    expect(statSync(at("pipe")).isFIFO()).toBe(true);
    await outputTo("/dev/null").write(pieces("nothing"));
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("a pipe whose reader goes away is told of", async () => {
    await execa("mkfifo", [at("pipe")]);
    const reader = execa("head", ["-c", "1", at("pipe")]);
    async function* endless() {
      for (;;) yield "x".repeat(65_536);
    }
    await expect(outputTo(at("pipe")).write(endless())).rejects.toThrow(ReaderGone);
    await reader;
  });

  needing("Linux").it("a device without room is a failure, as a full disk is", async () => {
    await expect(outputTo("/dev/full").write(pieces("x"))).rejects.toThrow("the disk is full");
  });

  it.each(["-", "/dev/stdout", "/dev/fd/1"])(
    "standard output by the name of %s is a file or a pipe as it is",
    async (name) => {
      const piped = await execa(process.execPath, program(writing(name, "told")));
      expect(piped.stdout).toBe("told");
      writeFileSync(at("log"), "before ");
      await execa("sh", ["-c", '"$0" "$@" >> "$LOG"', process.execPath, ...program(writing(name, "told"))], {
        env: { LOG: at("log") },
      });
      expect(readFileSync(at("log"), "utf8")).toBe("before told");
    },
  );

  it("another open descriptor is written to, as a shell's process substitution has it", async () => {
    const script = '"$0" "$@" 3>&1 1>/dev/null';
    const run = await execa("sh", [
      "-c",
      script,
      process.execPath,
      ...program(writing("/dev/fd/3", "by the third")),
    ]);
    expect(run.stdout).toBe("by the third");
  });
});
