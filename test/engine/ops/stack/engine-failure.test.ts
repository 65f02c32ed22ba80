import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Problem } from "../../../../ops/base/problem.ts";
import { explained, openStack, previewChanges } from "../../../../ops/stack/deployment.ts";
import { makeProject, type Project } from "../../../harness/support/project.ts";

const STACK = "failing";
let project: Project;

/** A stack of nothing: what fails here fails before the program is asked. */
beforeAll(async () => {
  project = makeProject("engine-failure");
  project.configure(STACK, {});
  writeFileSync(path.join(project.directory, "index.ts"), "export const nothing = 1;\n");
  const context = project.context(STACK);
  const stack = await openStack(context);
  await explained(context, () => stack.up({ color: "never", suppressProgress: true }));
});

afterAll(() => project.remove());

/** What a person reads when the stack is compared with its settings while a file has another content. */
async function toldWith(file: string, content: string | undefined): Promise<string> {
  const kept = `${file}.kept`;
  renameSync(file, kept);
  try {
    if (content !== undefined) writeFileSync(file, content);
    await previewChanges(project.context(STACK), () => {});
  } catch (error) {
    if (error instanceof Problem) return error.render();
    throw error;
  } finally {
    renameSync(kept, file);
  }
  return "nothing: it did not fail";
}

const inState = (...parts: string[]) => path.join(project.stateHome, "pulumi", ".pulumi", ...parts);
const checkpoint = () => inState("stacks", "mem0", `${STACK}.json`);

describe("what the engine here says of a failure is understood", () => {
  it("when the passphrase is another one, or none", async () => {
    const file = path.join(project.stateHome, "passphrase");
    expect(await toldWith(file, "another")).toMatch(
      /^the passphrase does not open the secrets of stack failing\n/,
    );
    expect(await toldWith(file, undefined)).toMatch(/^the passphrase cannot be read\n/);
  });

  it("when the state is of a newer version, or half a state", async () => {
    const newer = JSON.stringify({ ...JSON.parse(readFileSync(checkpoint(), "utf8")), version: 99 });
    expect(await toldWith(checkpoint(), newer)).toMatch(
      /^a newer version wrote the state of stack failing \(checkpoint version 99\)\n/,
    );
    expect(await toldWith(checkpoint(), "{")).toMatch(/^the state of stack failing is damaged: /);
    expect(await toldWith(inState("meta.yaml"), "version: 9\n")).toMatch(
      /^a newer version of Pulumi keeps its state here/,
    );
  });
});
