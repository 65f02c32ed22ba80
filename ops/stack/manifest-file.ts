import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Manifest, manifestSchema } from "../../config/manifest.ts";
import { Problem } from "../base/problem.ts";

/** Directory of a stack on the host: its manifest and secret files. */
export function stackDirectory(stateHome: string, stack: string): string {
  return path.join(stateHome, "stacks", stack);
}

/** The manifest that `up` wrote for `stack`; a Problem when it was never deployed or the file is damaged. */
export function readManifest(stateHome: string, stack: string): Manifest {
  const manifest = findManifest(stateHome, stack);
  if (manifest === undefined) {
    throw new Problem(`stack ${stack} was never deployed here`, { mend: `./mem0 up ${stack}` });
  }
  return manifest;
}

/** All manifests on this host. */
export function listManifests(stateHome: string): Manifest[] {
  const stacks = path.join(stateHome, "stacks");
  if (!existsSync(stacks)) return [];
  return readdirSync(stacks)
    .sort()
    .map((stack) => findManifest(stateHome, stack))
    .filter((manifest) => manifest !== undefined);
}

function findManifest(stateHome: string, stack: string): Manifest | undefined {
  const file = path.join(stackDirectory(stateHome, stack), "manifest.json");
  if (!existsSync(file)) return undefined;
  const mend = `./mem0 up ${stack}`;
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Problem("the manifest cannot be read", { where: file, mend, cause });
  }
}

/** What a manifest must have for a verb, e.g. `port bolt of neo4j`; a Problem names what is missing. */
export function required<T>(value: T | undefined, what: string, stack: string): T {
  if (value === undefined) {
    throw new Problem(`the manifest names no ${what}`, { mend: `./mem0 up ${stack}` });
  }
  return value;
}
