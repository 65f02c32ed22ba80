import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Problem } from "../../../../ops/base/problem.ts";
import { requireSoundStackFile, requireStackFile } from "../../../../ops/stack/stack-file.ts";

const checkout = mkdtempSync(path.join(os.tmpdir(), "stack-file-"));
afterAll(() => rmSync(checkout, { recursive: true }));

/** What a person reads of a stack file; nothing when it is sound. */
function saidOf(text: string): string | undefined {
  writeFileSync(path.join(checkout, "Pulumi.prd.yaml"), text);
  try {
    requireSoundStackFile(checkout, "prd");
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.render();
    throw error;
  }
}

describe("a stack file, before anything of the machine is touched", () => {
  it("is sound when its settings are", () => {
    expect(saidOf("config:\n  mem0:model: { provider: embedded }\n")).toBeUndefined();
  });

  it("that lacks a key is refused with the whole command that gives it", () => {
    expect(saidOf("config:\n  mem0:model: { provider: openai }\n")).toContain(
      'eval "$(./mem0 env)" && pulumi config set --secret mem0:openaiApiKey --stack prd',
    );
  });

  it("is taken to hold the secrets that are sealed in it", () => {
    const secrets = "  mem0:openaiApiKey: { secure: v1:abc }\n  mem0:apiKeys: { secure: v1:def }\n";
    expect(saidOf(`config:\n  mem0:model: { provider: openai }\n${secrets}`)).toBeUndefined();
  });

  it("is refused with all its mistakes at once", () => {
    const said = saidOf(
      "config:\n  mem0:model: { provider: embedded }\n  mem0:ports: { server: 1 }\n  mem0:x: 1\n",
    );
    expect(said).toMatch(/^2 mistakes in settings of stack prd:/);
    expect(said).toContain("mem0:ports.server: is 1");
    expect(said).toContain("mem0:x: unknown key");
  });

  it("that is no YAML is refused once, with its line", () => {
    const said = saidOf("config:\n  mem0:model: { provider: embedded\n  mem0:x: 1\n");
    expect(said).toMatch(/^the file of stack prd cannot be used:\n {2}- line \d, column \d+: /);
    expect(said).toMatch(/where: .*Pulumi\.prd\.yaml$/m);
  });

  it("of another checkout is missed by name", () => {
    expect(() => requireStackFile(checkout, "other")).toThrow(
      "this checkout has no file of stack other, only of: prd",
    );
  });
});
