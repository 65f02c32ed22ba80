import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { DEPLOY_ONLY, packageClosure, programFiles, programHash } from "../../../../ops/schedules/program.ts";
import packageJson from "../../../../package.json" with { type: "json" };
import { CHECKOUT } from "../../../../toolchain/layout.ts";
import { standsAlone } from "../../../../toolchain/program/node-copy.ts";

/** Verbs that work on a deployed stack, which jobs and people call from the copy. */
const OPERATING = [
  "alert",
  "alerts",
  "backup",
  "backups",
  "drill",
  "exporter",
  "health",
  "metrics",
  "restart",
  "restore",
  "schedule",
  "status",
  "verify",
];

const files = new Set(programFiles(CHECKOUT));
const packages = packageClosure(
  JSON.parse(readFileSync(path.join(CHECKOUT, "package-lock.json"), "utf8")).packages,
  Object.keys(packageJson.dependencies).filter((name) => !DEPLOY_ONLY.includes(name)),
);

/** What a file imports but its types. */
function importsOf(file: string): string[] {
  const erased = stripTypeScriptTypes(readFileSync(path.join(CHECKOUT, file), "utf8"));
  return ts.preProcessFile(erased, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** All files and packages that these files load, one through another; of the verbs only those that are asked for. */
function loadedBy(entries: readonly string[]): Set<string> {
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    if (!file.endsWith(".ts") || !file.includes("/")) return;
    for (const name of importsOf(file)) {
      if (!name.startsWith(".")) loaded.add(name);
      else if (file !== "scripts/cli/verbs.ts") load(path.join(path.dirname(file), name));
    }
  };
  for (const entry of entries) load(entry);
  return loaded;
}

it("the copy of the program has all that jobs and the verbs of a deployed stack load, packages too", () => {
  const verbs = OPERATING.map((verb) => `scripts/${verb}.ts`);
  const missing = [
    ...loadedBy(["ops/schedules/job.ts", "scripts/mem0.ts", "scripts/cli/program.ts", ...verbs]),
  ].filter((loaded) => {
    if (loaded.startsWith("node:") || loaded === "package.json") return false;
    if (/\.(ts|json)$/.test(loaded)) return !files.has(loaded);
    const name = loaded
      .split("/")
      .slice(0, loaded.startsWith("@") ? 2 : 1)
      .join("/");
    return !packages.includes(`node_modules/${name}`);
  });
  expect(missing).toEqual([]);
});

it("the copy has none of the packages that only deploying needs, so that it stays small", () => {
  for (const name of DEPLOY_ONLY) {
    expect(existsSync(path.join(CHECKOUT, "node_modules", name)), name).toBe(true);
    expect(packages).not.toContain(`node_modules/${name}`);
  }
});

it("a package is found as Node finds it: below the one that asks first", () => {
  const lock = {
    "node_modules/a": { dependencies: { b: "1", c: "1" } },
    "node_modules/a/node_modules/b": { dependencies: { c: "2" } },
    "node_modules/b": {},
    "node_modules/c": {},
    "node_modules/d": {},
  };
  expect(packageClosure(lock, ["a"])).toEqual([
    "node_modules/a",
    "node_modules/a/node_modules/b",
    "node_modules/c",
  ]);
});

it("another Node makes another copy", () => {
  expect(programHash(CHECKOUT, "22.23.3")).toBe(programHash(CHECKOUT, "22.23.3"));
  expect(programHash(CHECKOUT, "22.23.3")).not.toBe(programHash(CHECKOUT, "22.23.4"));
});

it("Node is copied where it is one file, and not where it hangs on what the next update takes away", () => {
  const linux = ["linux-vdso.so.1", "/lib/x86_64-linux-gnu/libstdc++.so.6", "/lib64/ld-linux-x86-64.so.2"];
  expect(standsAlone(linux, "linux")).toBe(true);
  expect(standsAlone([...linux, "/lib/x86_64-linux-gnu/libnode.so.109"], "linux")).toBe(false);
  expect(
    standsAlone(
      ["/usr/lib/libc++.1.dylib", "/System/Library/Frameworks/Security.framework/Security"],
      "darwin",
    ),
  ).toBe(true);
  expect(standsAlone(["/opt/homebrew/opt/icu4c/lib/libicuuc.dylib"], "darwin")).toBe(false);
});
