import { readFileSync } from "node:fs";
import path from "node:path";
import { readBelow } from "../base/below.ts";
import { Problem } from "../base/problem.ts";
import { writeBelow } from "../base/write-below.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { SealKey } from "./format/seal.ts";

/** Name of the secret file with the key that seals. */
export const SEAL_KEY_FILE = "seal_key";

/** Beside it: every key that has sealed for this stack, one a line, so that what they sealed stays its own. */
const KNOWN_KEYS_FILE = "known_seal_keys";

/**
 * The key that the stack seals with; undefined when it was deployed before there were seals.
 *
 * @throws Problem when there is one that cannot be read
 */
export function sealKeyOf(stack: DeployedStack): SealKey | undefined {
  const text = sealKeyText(stack);
  return text === undefined ? undefined : new SealKey(text);
}

/**
 * The keys whose backups count as the stack's own: its own, those that it had before, and one that is taken over.
 *
 * @param taken file of the latter
 */
export function sealKeysOf(stack: DeployedStack, taken?: string): SealKey[] {
  return textsOf(stack, taken).map((text) => new SealKey(text));
}

/**
 * Keeps the keys of `sealKeysOf` for good: a stack that gets another key later still knows what these sealed.
 *
 * @param taken file of a key that is taken over
 */
export function keepSealKeys(stack: DeployedStack, taken?: string): void {
  const texts = textsOf(stack, taken);
  if (texts.length === knownKeys(stack).length) return;
  writeBelow(stack.directory, knownKeysFile(stack), texts.map((text) => `${text}\n`).join(""));
}

/** Each once, the one that seals first. */
function textsOf(stack: DeployedStack, taken: string | undefined): string[] {
  const own = sealKeyText(stack);
  const texts = [
    ...(own === undefined ? [] : [own]),
    ...knownKeys(stack),
    ...(taken === undefined ? [] : takenKeys(taken)),
  ];
  return [...new Set(texts)];
}

function sealKeyText(stack: DeployedStack): string | undefined {
  if (stack.manifest.secretFiles[SEAL_KEY_FILE] === undefined) return undefined;
  const [text = ""] = requireKeys(
    stack.secret(SEAL_KEY_FILE),
    stack.secretFile(SEAL_KEY_FILE),
    `./mem0 up ${stack.name}`,
  );
  return text;
}

function knownKeysFile(stack: DeployedStack): string {
  return path.join(stack.directory, "secrets", KNOWN_KEYS_FILE);
}

function knownKeys(stack: DeployedStack): string[] {
  const file = knownKeysFile(stack);
  const text = readBelow(stack.directory, file);
  const mend =
    "put back the copy that you have of it; or remove it, and what former keys sealed needs --trust";
  return text === undefined ? [] : requireKeys(text, file, mend);
}

/**
 * The keys of another stack, or of this one on a machine that it had before.
 *
 * @throws Problem when the file holds none
 */
function takenKeys(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("the file of the seal key cannot be read", { where: file, cause });
  }
  return requireKeys(
    text,
    file,
    `it is a stack's secrets/${SEAL_KEY_FILE} or secrets/${KNOWN_KEYS_FILE}, or the copy that was kept of it`,
  );
}

/** One key a line. An empty key would fit whatever anybody sealed with an empty key. */
function requireKeys(text: string, where: string, mend: string): string[] {
  const keys = text.trim().split(/\s*\n\s*/);
  if (keys.every((key) => /^[A-Za-z0-9]{32,}$/.test(key))) return keys;
  throw new Problem("the file holds no seal key", { where, mend });
}
