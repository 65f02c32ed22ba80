import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../../toolchain/layout.ts";
import { PROMISES } from "./promises.ts";

const read = (file: string) => readFileSync(path.join(CHECKOUT, file), "utf8");

/** Names of what SECURITY.md promises: the bold word that a line of its list begins with. */
function promised(): string[] {
  const section = /^## What is promised$(.*?)^## /ms.exec(read("SECURITY.md"))?.[1] ?? "";
  return [...section.matchAll(/^- \*\*([a-z-]+)\*\*:/gm)].map(([, name]) => name ?? "");
}

describe("what SECURITY.md promises", () => {
  it("is more than nothing, each promise under a name of its own", () => {
    expect(promised().length).toBeGreaterThan(9);
    expect(new Set(promised()).size).toBe(promised().length);
  });

  it("has tests behind it, and no test stands for a promise that nobody made", () => {
    expect(Object.keys(PROMISES).sort()).toEqual(promised().sort());
  });

  it.each(
    Object.entries(PROMISES).flatMap(([promise, tests]) =>
      tests.map(([file, title]) => [promise, file, title]),
    ),
  )("%s is tested in %s", (_, file, title) => {
    expect(read(file ?? "")).toContain(title);
  });
});
