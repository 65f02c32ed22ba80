import { mkdirSync } from "node:fs";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { isSoundManifest, MANIFEST_FILE, readManifestFile } from "./manifest-file.ts";
import { type StateResource, writtenFile } from "./recovery-plan.ts";

/**
 * Puts back a stack's manifest that is damaged or gone. The engine's state holds the text that was written last, with
 * the stack's identity: settings are compared with that of the deployed stack then, and not with nothing.
 *
 * @param resources of the exported state, with its secrets in clear
 * @returns path of the manifest, when it was put back
 */
export function putBackManifest(resources: readonly StateResource[]): string | undefined {
  for (const { inputs } of resources) {
    const file = writtenFile(inputs);
    if (file === undefined || path.basename(file) !== MANIFEST_FILE) continue;
    const text = textOf(inputs?.stdin);
    if (text === undefined || !isSoundManifest(text) || !isDamagedOrGone(file)) continue;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(file, text, { mode: 0o600 });
    return file;
  }
  return undefined;
}

function isDamagedOrGone(file: string): boolean {
  const found = readManifestFile(file);
  return found.kind === "missing" || found.kind === "damaged";
}

/** An exported secret: its value as JSON in `plaintext`. The engine marks a command's standard input as one. */
function textOf(stdin: unknown): string | undefined {
  if (typeof stdin === "string") return stdin;
  const plaintext = (stdin as { plaintext?: unknown } | undefined)?.plaintext;
  if (typeof plaintext !== "string") return undefined;
  const value: unknown = JSON.parse(plaintext);
  return typeof value === "string" ? value : undefined;
}
