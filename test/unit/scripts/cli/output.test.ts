import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { print, printJson } from "../../../../scripts/cli/output.ts";
import { table } from "../../../../scripts/cli/table.ts";

const scripts = path.resolve(import.meta.dirname, "../../../../scripts");

let shown = "";
beforeEach(() => {
  shown = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    shown += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

describe("what a verb shows", () => {
  it("steers no terminal, in text and tables", () => {
    print(table(["memory"], [["\u001b[2Jgone\tand\u009b back"]]));
    expect(shown).toBe("memory\n\\x1b[2Jgone and\\x9b back\n");
  });

  it("steers none as JSON, and is the same value", () => {
    printJson({ memory: "\u001b[2J\u202e" });
    expect(shown).not.toMatch(/\u202e/);
    expect(JSON.parse(shown)).toEqual({ memory: "\u001b[2J\u202e" });
  });

  it("goes through there alone: no verb writes by itself", () => {
    const files = readdirSync(scripts, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const writing = files.filter((file) =>
      /console\.|std(out|err)\.write\(/.test(readFileSync(path.join(scripts, file), "utf8")),
    );
    expect(writing.sort()).toEqual(["cli/counter.ts", "cli/output.ts", "mem0.ts"]);
  });
});
