import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../../../toolchain/layout.ts";

/**
 * What each part may import beside itself: arrows run downward only. docs/architecture.md tells what the parts are for.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "ops/base": [],
  config: [],
  // The exporter's catalogue is the one statement of its metrics.
  observability: ["config", "services"],
  ops: ["ops/base", "config", "observability", "services"],
  services: [],
  components: ["config", "observability"],
  scripts: ["ops", "ops/base", "config", "observability", "toolchain", "services", "bench", "test"],
  toolchain: ["ops", "ops/base", "config", "services"],
  index: ["components", "ops", "ops/base", "config", "observability"],
};

/** The part of a file: the longest of the names above that its path begins with. */
function partOf(file: string): string | undefined {
  if (file === "index.ts") return "index";
  return Object.keys(MAY_IMPORT)
    .filter((part) => file.startsWith(`${part}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Files that a file imports, types among them, in whatever way. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(CHECKOUT, file), "utf8"), true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => name.startsWith("."))
    .map((name) => path.normalize(path.join(path.dirname(file), name)));
}

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.ts"], {
  cwd: CHECKOUT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => partOf(file) !== undefined);

describe("what ./mem0 loads before its packages are there", () => {
  it("is of Node itself alone", () => {
    const loaded = new Set<string>();
    const packages: string[] = [];
    const load = (file: string) => {
      if (loaded.has(file)) return;
      loaded.add(file);
      const text = readFileSync(path.join(CHECKOUT, file), "utf8");
      for (const [, from = ""] of text.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from "([^"]+)"/gm)) {
        if (from.startsWith(".")) load(path.normalize(path.join(path.dirname(file), from)));
        else if (!from.startsWith("node:")) packages.push(`${file}: ${from}`);
      }
    };
    load("scripts/mem0.ts");
    expect(loaded).toContain("ops/base/process-lock.ts");
    expect(packages).toEqual([]);
  });
});

describe("the arrows between the parts of the house", () => {
  it("are found at all", () => {
    expect(files.length).toBeGreaterThan(150);
    expect(importsOf("index.ts")).toContain("components/stack.ts");
  });

  it.each(Object.keys(MAY_IMPORT))("of %s run downward only", (part) => {
    const upward = files
      .filter((file) => partOf(file) === part)
      .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
      .filter(({ imported }) => {
        const to = partOf(imported) ?? imported.split("/")[0] ?? "";
        return imported.endsWith(".ts") && to !== part && !(MAY_IMPORT[part] ?? []).includes(to);
      })
      .map(({ file, imported }) => `${file} -> ${imported}`);
    expect(upward).toEqual([]);
  });
});
