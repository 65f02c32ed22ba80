import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import dockerignore from "@balena/dockerignore";
import { BUILT_SERVICES, type BuiltService, SOURCES } from "../config/names.ts";
import type { BuildContext } from "./images.ts";

/** Build context of every service under `services/`, for images on top of `baseImage`. */
export function buildContexts(checkout: string, baseImage: string): Record<BuiltService, BuildContext> {
  const context = (service: BuiltService): BuildContext => {
    const directory = `./services/${SOURCES[service] ?? service}`;
    return { directory, hash: hashBuildContext(path.join(checkout, directory), [baseImage]) };
  };
  return Object.fromEntries(BUILT_SERVICES.map((service) => [service, context(service)])) as Record<
    BuiltService,
    BuildContext
  >;
}

/**
 * Hash of everything that Docker would send for `directory`, plus `inputs` from elsewhere (the base image).
 * Files that .dockerignore excludes do not count, nor does anything outside the directory, so an edit elsewhere
 * rebuilds nothing.
 *
 * @returns hex digest; the same digest means the same image
 */
export function hashBuildContext(directory: string, inputs: readonly string[]): string {
  const ignore = dockerignore.default({ ignorecase: false }).add(readIgnoreFile(directory));
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

function readIgnoreFile(directory: string): string {
  try {
    return readFileSync(path.join(directory, ".dockerignore"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
