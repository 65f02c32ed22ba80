import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What of a checkout the deployed copy has: all that verbs need which operate a stack. */
export const PROGRAM_SOURCES = [
  "config",
  "observability",
  "ops",
  "scripts",
  "services/exporter/package.json",
  "services/exporter/src",
  "services/server/memory_server/schema.sql",
  "services/telegram-bot/src",
  "toolchain",
];

/** Files that are read here and written anew in the copy, for the packages that it has. */
export const PACKAGE_FILES = ["package.json", "package-lock.json"];

/** Packages that only deploying needs. */
export const DEPLOY_ONLY = [
  "@grafana/grafana-foundation-sdk",
  "@pulumi/command",
  "@pulumi/docker",
  "@pulumi/pulumi",
  "@pulumi/random",
  "@pulumiverse/grafana",
];

/** All files of the copy but packages, relative to the checkout, in the order of their names. */
export function programFiles(checkout: string): string[] {
  const isSource = (file: string) => !/(^|\/)(\.|node_modules(\/|$)|__pycache__)/.test(file);
  return PROGRAM_SOURCES.flatMap((source) => {
    if (path.extname(source) !== "") return [source];
    return readdirSync(path.join(checkout, source), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(checkout, path.join(entry.parentPath, entry.name)))
      .filter(isSource);
  }).sort();
}

/** Of all that a copy is made of: another hash is another copy. Reads some hundred small files. */
export function programHash(checkout: string, nodeVersion: string): string {
  const hash = createHash("sha256").update(`${nodeVersion}\0`);
  for (const file of [...PACKAGE_FILES, ...programFiles(checkout)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(checkout, file)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

/** Where units find the program of a stack, whatever was deployed last. */
export function programLink(stateDir: string): string {
  return path.join(stateDir, "program", "current");
}

/** The copy of Node, whose path changes with its version alone: what a Mac lets it do hangs on that. */
export function nodeCopy(stateHome: string, version: string): string {
  return path.join(stateHome, "node", version, "bin", "node");
}

interface LockEntry {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** Keys of package-lock.json's `packages` for all that the given packages need, themselves among them. */
export function packageClosure(packages: Record<string, LockEntry>, roots: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (name: string, from: string) => {
    const key = resolved(packages, name, from);
    if (key === undefined || found.has(key)) return;
    found.add(key);
    const { dependencies, optionalDependencies } = packages[key] ?? {};
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) visit(needed, key);
  };
  for (const root of roots) visit(root, "");
  return [...found].sort();
}

/** As Node looks: below the package that asks, then below each that it lies in. */
function resolved(packages: Record<string, LockEntry>, name: string, from: string): string | undefined {
  for (let at = from; ; ) {
    const key = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (key in packages) return key;
    if (at === "") return undefined;
    at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1));
  }
}
