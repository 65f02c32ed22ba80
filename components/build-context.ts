import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import dockerignore from "@balena/dockerignore";
import writeFileAtomic from "write-file-atomic";
import { BUILT_SERVICES, type BuiltService, SOURCES } from "../config/names.ts";
import type { BuildContext } from "./images.ts";

/** Files below `services`, with the other services whose images copy them from `shared/` of their build context. */
const SHARED: Readonly<Record<string, readonly BuiltService[]>> = {
  "shared/entrypoint.sh": ["postgres", "neo4j", "prometheus"],
  "exporter/src/exposition.ts": ["telegram_bot"],
  "exporter/src/failure.ts": ["telegram_bot"],
  "exporter/src/log.ts": ["telegram_bot"],
  "exporter/src/secret.ts": ["telegram_bot"],
};

/**
 * Build context of every service under `services/`, for images on top of `baseImage`. Docker takes nothing from outside
 * a context, so the shared files are copied into those that need them; git ignores the copies.
 */
export function buildContexts(checkout: string, baseImage: string): Record<BuiltService, BuildContext> {
  for (const [file, services] of Object.entries(SHARED)) {
    const content = readFileSync(path.join(checkout, "services", file), "utf8");
    for (const service of services) {
      writeIfChanged(path.join(checkout, sourceOf(service), "shared", path.basename(file)), content);
    }
  }
  const context = (service: BuiltService): BuildContext => {
    const directory = sourceOf(service);
    return { directory, hash: hashBuildContext(path.join(checkout, directory), [baseImage]) };
  };
  return Object.fromEntries(BUILT_SERVICES.map((service) => [service, context(service)])) as Record<
    BuiltService,
    BuildContext
  >;
}

/** Relative to the checkout: the same text on every machine, since it is an input of the image. */
function sourceOf(service: BuiltService): string {
  return `./services/${SOURCES[service] ?? service}`;
}

function writeIfChanged(file: string, content: string): void {
  if (readIfThere(file) === content) return;
  mkdirSync(path.dirname(file), { recursive: true });
  // Another run of the program may be hashing the context: it sees the old file or the new one.
  writeFileAtomic.sync(file, content, { mode: 0o644 });
}

/**
 * Hash of everything that Docker would send for `directory`, plus `inputs` from elsewhere (the base image).
 * Files that .dockerignore excludes do not count, nor does anything outside the directory, so an edit elsewhere
 * rebuilds nothing.
 *
 * @returns hex digest; the same digest means the same image
 */
export function hashBuildContext(directory: string, inputs: readonly string[]): string {
  const ignore = dockerignore
    .default({ ignorecase: false })
    .add(readIfThere(path.join(directory, ".dockerignore")) ?? "");
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(`${input}\0`);
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ entry, name: path.relative(directory, path.join(entry.parentPath, entry.name)) }))
    // Docker gets the Dockerfile even where .dockerignore names it.
    .filter(({ name }) => name === "Dockerfile" || !ignore.ignores(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { entry, name } of entries) {
    const file = path.join(directory, name);
    const content = entry.isSymbolicLink() ? readlinkSync(file) : readFileSync(file);
    const executable = (lstatSync(file).mode & 0o100) !== 0;
    hash.update(`${name}\0${executable}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
