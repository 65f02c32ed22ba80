import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { MANIFEST_VERSION, type Manifest, manifestSchema } from "../../config/manifest.ts";
import { readBelow } from "../base/below.ts";
import { ExitCode, Problem } from "../base/problem.ts";

/** The manifest's name in the stack's directory. */
export const MANIFEST_FILE = "manifest.json";

/** Directory of a stack on the host: its manifest and secret files. */
export function stackDirectory(stateHome: string, stack: string): string {
  return path.join(stateHome, "stacks", stack);
}

/** What lies where a manifest should. */
export type FoundManifest =
  | { kind: "sound"; manifest: Manifest }
  | { kind: "missing" }
  /** Written by a version that has another form of it. */
  | { kind: "newer"; version: number }
  | { kind: "damaged"; reason: string; cause: unknown };

/** Reads a manifest; what is wrong with it is for the caller to judge. */
export function readManifestFile(file: string): FoundManifest {
  try {
    const text = readBelow(path.dirname(file), file);
    return text === undefined ? { kind: "missing" } : parsed(text);
  } catch (cause) {
    return { kind: "damaged", reason: (cause as Error).message, cause };
  }
}

export function isSoundManifest(text: string): boolean {
  return parsed(text).kind === "sound";
}

/** The manifest that `up` wrote for `stack`; a Problem when it was never deployed, or the file cannot be read. */
export function readManifest(stateHome: string, stack: string): Manifest {
  const manifest = findManifest(stateHome, stack);
  if (manifest === undefined) {
    throw new Problem(`stack ${stack} was never deployed here`, { mend: `./mem0 up ${stack}` });
  }
  return manifest;
}

/**
 * The manifest of a stack, if it was deployed here.
 *
 * @throws Problem when there is one that cannot be read
 */
export function findManifest(stateHome: string, stack: string): Manifest | undefined {
  const file = path.join(stackDirectory(stateHome, stack), MANIFEST_FILE);
  const found = readManifestFile(file);
  switch (found.kind) {
    case "sound":
      return found.manifest;
    case "missing":
      return undefined;
    case "newer":
      throw new Problem(
        `a newer version deployed stack ${stack}: its manifest is of version ${found.version}, and this one reads ${MANIFEST_VERSION}`,
        {
          where: file,
          mend: "take the checkout that deployed the stack last, or a newer one, and: ./mem0 setup",
          exitCode: ExitCode.usage,
        },
      );
    case "damaged":
      throw new Problem(`the manifest cannot be read: ${found.reason}`, {
        where: file,
        mend: `./mem0 up ${stack}, which puts it back as the engine's state has it`,
        cause: found.cause,
      });
  }
}

/** All manifests on this host that can be read: those of other stacks keep none from its work. */
export function listManifests(stateHome: string): Manifest[] {
  const stacks = path.join(stateHome, "stacks");
  if (!existsSync(stacks)) return [];
  return readdirSync(stacks)
    .sort()
    .map((stack) => readManifestFile(path.join(stacks, stack, MANIFEST_FILE)))
    .flatMap((found) => (found.kind === "sound" ? [found.manifest] : []));
}

const versioned = z.looseObject({ version: z.int().min(1) });

function parsed(text: string): FoundManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { kind: "damaged", reason: "it is not JSON, or was cut off", cause };
  }
  const version = versioned.safeParse(value).data?.version;
  if (version !== undefined && version > MANIFEST_VERSION) return { kind: "newer", version };
  const manifest = manifestSchema.safeParse(value);
  if (manifest.success) return { kind: "sound", manifest: manifest.data };
  const [issue] = manifest.error.issues;
  const reason = `${issue?.path.join(".") || "it"}: ${issue?.message}`;
  return { kind: "damaged", reason, cause: manifest.error };
}

/** What a manifest must have for a verb, e.g. `port bolt of neo4j`; a Problem names what is missing. */
export function required<T>(value: T | undefined, what: string, stack: string): T {
  if (value === undefined) {
    throw new Problem(`the manifest names no ${what}`, { mend: `./mem0 up ${stack}` });
  }
  return value;
}
