import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Problem } from "../../../../ops/base/problem.ts";
import { chosenStack } from "../../../../scripts/cli/stack-name.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "stack-name-"));
afterAll(() => rmSync(root, { recursive: true }));
const places = { checkout: path.join(root, "checkout"), stateHome: path.join(root, "home") };
mkdirSync(places.checkout);
for (const stack of ["test", "prd"]) writeFileSync(path.join(places.checkout, `Pulumi.${stack}.yaml`), "");
writeFileSync(path.join(places.checkout, "Pulumi.yaml"), "");
mkdirSync(path.join(places.stateHome, "stacks", "old"), { recursive: true });

function chosen(positional?: string, option?: string, subverbs: string[] = []): string | [string, number] {
  try {
    return chosenStack({ positional, option, verb: "status", subverbs }, places);
  } catch (error) {
    if (error instanceof Problem) return [error.render(), error.exitCode];
    throw error;
  }
}

describe("the stack of a verb", () => {
  it.each([
    ["none is named", undefined, undefined, "test"],
    ["it stands behind the verb", "prd", undefined, "prd"],
    ["it stands behind --stack", undefined, "prd", "prd"],
    ["it stands in both places", "prd", "prd", "prd"],
    ["only this host knows it", "old", undefined, "old"],
  ])("when %s is %s", (_, positional, option, stack) => {
    expect(chosen(positional, option)).toBe(stack);
  });

  it("is refused when two are named", () => {
    expect(chosen("prd", "test")).toEqual([
      "two stacks are named: prd and test\n  mend:  ./mem0 status prd, or: ./mem0 status test",
      2,
    ]);
  });

  it.each([
    ["nope", "one of these stacks: old, prd, test"],
    ["tset", "did you mean ./mem0 status test?"],
    ["../home", "one of these stacks"],
  ])("that is not there, %s, leads to those that are", (name, mend) => {
    const [text, exitCode] = chosen(name);
    expect(text).toContain(`there is no stack ${name}`);
    expect(text).toContain(mend);
    expect(exitCode).toBe(2);
  });

  it("may be a misspelt subcommand", () => {
    const [text] = chosen("acept", undefined, ["accept", "pin"]);
    expect(text).toContain("nor a subcommand: accept, pin");
    expect(text).toContain("did you mean ./mem0 status accept?");
  });
});
