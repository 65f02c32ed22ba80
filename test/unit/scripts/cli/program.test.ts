import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT_MEANINGS, ExitCode, type ExitName } from "../../../../ops/base/exit-codes.ts";
import { Problem } from "../../../../ops/base/problem.ts";
import { Interruption } from "../../../../scripts/cli/interruption.ts";
import { run } from "../../../../scripts/cli/program.ts";
import { defineVerb } from "../../../../scripts/cli/verb.ts";
import { VERBS } from "../../../../scripts/cli/verbs.ts";
import { withoutFalseOptions } from "../../../../scripts/cli/words-given.ts";

const scripts = path.resolve(import.meta.dirname, "../../../../scripts");
const readme = readFileSync(path.join(scripts, "..", "README.md"), "utf8");

let printed = "";
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What a person reads on an error of usage. */
async function refused(...words: string[]): Promise<string> {
  const problem: unknown = await run(words).catch((error: unknown) => error);
  if (!(problem instanceof Problem)) throw new Error(`not refused: ${printed}`);
  expect(problem.exitCode).toBe(ExitCode.usage);
  return problem.render();
}

describe("the verbs of ./mem0", () => {
  it("are all the verbs that there are files for", () => {
    const files = readdirSync(scripts).filter((file) => file.endsWith(".ts") && file !== "mem0.ts");
    expect(VERBS.map(({ name }) => `${name}.ts`).sort()).toEqual(files.sort());
  });

  it.each(VERBS.map(({ name }) => name))("tell in the help of %s how it ends", async (name) => {
    await run([name, "--help"]);
    expect(printed).toMatch(new RegExp(`^Usage: ./mem0 ${name} `));
    expect(printed).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
    expect(printed).toMatch(/ {2}130 +interrupted/);
  });

  it("are in the README, each in a row of its own", () => {
    const rows = [...readme.matchAll(/^\| `\.\/mem0 (\w+)/gm)].map(([, name]) => name);
    expect([...new Set(rows)].sort()).toEqual(VERBS.map(({ name }) => name).sort());
  });

  it("end with the exit codes that the help and the README tell", async () => {
    await run(["--help"]);
    for (const name of Object.keys(EXIT_MEANINGS) as ExitName[]) {
      expect(printed).toContain(`  ${String(ExitCode[name]).padEnd(4)} ${EXIT_MEANINGS[name]}`);
      expect(readme).toContain(`| ${ExitCode[name]} | ${EXIT_MEANINGS[name]} |`);
    }
  });
});

describe("words that are no command", () => {
  it.each([
    [["stauts"], "did you mean ./mem0 status?"],
    [["nope"], "./mem0 --help lists the verbs"],
    [["help", "nope"], "there is no verb nope"],
    [["--stack", "test", "status"], "a verb comes first, before --stack"],
    [["backups", "acept", "20261124_023000"], "./mem0 backups accept 20261124_023000, if you meant that"],
    [["status", "nope"], "one of these stacks:"],
    [["verify", "--stack", "nope"], "one of these stacks:"],
    [["status", "test", "--stack", "prd"], "two stacks are named: test and prd"],
    [["status", "--jsno"], "(Did you mean --json?)"],
    [["remember"], "missing required argument 'text'"],
    [["remember", ""], "text: is empty"],
    [["recall", "  "], "question: is empty"],
    [["remember", "bees", "--user", ""], "--user: is empty"],
    [["export", "-", "--user", ""], "--user: is empty"],
    [["backups", "pin", "20261124_023000", ""], "name: is empty"],
    [["remember", "-x"], "a text that begins with - comes behind --: ./mem0 remember -- -x"],
    [["remember", "I keep bees", "prd"], 'quotes around the whole: ./mem0 remember "I keep bees prd"'],
  ])("%j lead to those that are one", async (words, hint) => {
    expect(await refused(...words)).toContain(hint);
  });
});

describe("a text", () => {
  /** The text that a verb gets from words. */
  async function textOf(...words: string[]): Promise<string> {
    let text = "";
    const verb = defineVerb<{ user?: string }>({
      text: ["text", "what to say"],
      declare: (command) => command.option("-u, --user <name>", "who"),
      run: (call) => {
        text = `${call.text} (${call.options.user ?? "me"})`;
        return undefined;
      },
    });
    const program = new Command("./mem0").exitOverride();
    verb.attach(program.command("say"), { interruption: new Interruption(), words });
    await program.parseAsync(withoutFalseOptions(["say", ...words]), { from: "user" });
    return text;
  }

  it.each([
    [["I keep bees"], "I keep bees (me)"],
    [["I", "keep", "bees"], "I keep bees (me)"],
    [["-5 degrees outside"], "-5 degrees outside (me)"],
    [["--user is a word too"], "--user is a word too (me)"],
    [["--", "-5"], "-5 (me)"],
    [["hello", "--user", "-anna b"], "hello (-anna b)"],
    [["hello", "--user=anna b"], "hello (anna b)"],
  ])("may stand as %j", async (words, text) => {
    expect(await textOf(...words)).toBe(text);
  });
});

describe("./mem0 --version", () => {
  it("tells the version and the commit", async () => {
    await run(["--version"]);
    expect(printed).toMatch(/^mem0-on-one-host \d+\.\d+\.\d+(, commit \w+.*)?\n$/);
  });
});
