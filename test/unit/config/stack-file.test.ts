import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseStackText, stackTextMistakes } from "../../../config/stack-file.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";

function mistakesOf(text: string): string[] {
  const parsed = parseStackText(text);
  return parsed.ok ? stackTextMistakes("prd", parsed) : parsed.mistakes;
}

describe("the text of a stack file", () => {
  it.each([
    ["an open bracket", "config:\n  mem0:model: {provider: embedded\n", /^line 3, column 1: .*flow/i],
    ["a tab", "config:\n\tmem0:model: {}\n", /^line 2, column 1: a tab; YAML is indented with spaces$/],
    [
      "a key twice",
      "config:\n  mem0:data: {}\n  mem0:data: {}\n",
      /^line 3, column 3: this key stands here a second time$/,
    ],
    [
      "a key twice below",
      "config:\n  mem0:ports: {server: 1, server: 2}\n",
      /^line 2, column 27: this key stands/,
    ],
    ["two documents", "config: {}\n---\nconfig: {}\n", /^line \d, column 1: a second document begins here/],
    ["a list", "- mem0:model\n", /^line 1: it is no mapping; needed: config: with settings below it$/],
    ["a word", "hello\n", /^line 1: it is no mapping/],
    ["a misspelt group", "confg:\n  mem0:model: {}\n", /^line 1: confg: unknown key; allowed here: config, /],
    ["a list of settings", "config:\n  - mem0:model\n", /^line 2: config: is no mapping of settings$/],
    ["no namespace", "config:\n  ports: {}\n", /^line 2: ports: has no namespace; write mem0:ports$/],
    [
      "another namespace",
      "config:\n  docker:host: x\n",
      /^line 2: docker:host: is of no namespace that is read here; settings begin with mem0:$/,
    ],
  ])("with %s is refused by its line", (_, text, wanted) => {
    expect(mistakesOf(text)).toEqual([expect.stringMatching(wanted)]);
  });

  it("tells all mistakes at once", () => {
    expect(mistakesOf("confg: {}\nconfig:\n  a: 1\n  mem1:b: 2\n")).toHaveLength(3);
  });

  it("is read with what Pulumi writes into it, and with its own spelling of values", () => {
    const text = [
      "# a comment",
      "encryptionsalt: v1:abc=:v1:def",
      "config:",
      "  pulumi:tags: {a: b}",
      "  mem0:model: {provider: embedded}",
      "  mem0:timeouts:",
      "    startSeconds: 60",
      "  mem0:apiKey:",
      "    secure: v1:abc",
    ].join("\n");
    expect(parseStackText(text)).toEqual({
      ok: true,
      values: { model: '{"provider":"embedded"}', timeouts: '{"startSeconds":60}' },
      encrypted: ["apiKey"],
    });
    expect(parseStackText("")).toEqual({ ok: true, values: {}, encrypted: [] });
    expect(parseStackText("config:\n")).toEqual({ ok: true, values: {}, encrypted: [] });
  });

  it.each(["test", "prd"])(
    "of the repository's own %s stack is well, but for the key that its owner gives",
    (stack) => {
      const parsed = parseStackText(readFileSync(path.join(CHECKOUT, `Pulumi.${stack}.yaml`), "utf8"));
      if (!parsed.ok) throw new Error(parsed.mistakes.join());
      const missing = stackTextMistakes(stack, parsed);
      expect(missing.filter((line) => !line.startsWith("mem0:openaiApiKey: missing"))).toEqual([]);
    },
  );
});

describe("secrets, as far as they can be judged while they are encrypted", () => {
  const openai = "config:\n  mem0:model: {provider: openai}\n";

  it("are asked for by a command that names the stack and holds no value", () => {
    expect(mistakesOf(openai)).toEqual([
      'mem0:openaiApiKey: missing; needed with provider openai: eval "$(./mem0 env)" && pulumi config set --secret mem0:openaiApiKey --stack prd',
    ]);
  });

  it("that are there count as given", () => {
    expect(mistakesOf(`${openai}  mem0:openaiApiKey: {secure: v1:x}\n`)).toEqual([]);
  });

  it("that stand in clear are told without being shown", () => {
    const mistakes = mistakesOf(`${openai}  mem0:openaiApiKey: sk-1234567890\n`);
    expect(mistakes).toEqual([expect.stringContaining("mem0:openaiApiKey: stands in clear")]);
    expect(mistakes.join()).not.toContain("sk-123");
  });

  it("inside a group leave the group to the program", () => {
    expect(mistakesOf("config:\n  mem0:model:\n    provider: {secure: v1:x}\n")).toEqual([]);
  });
});
