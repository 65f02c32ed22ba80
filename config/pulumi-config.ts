import * as pulumi from "@pulumi/pulumi";
import { inClear, keyName } from "./explain.ts";
import { SECRET_KEYS } from "./schema.ts";

/** The stack's configuration as Pulumi hands it over: keys without `mem0:`, values as text, secrets in clear. */
export interface StackConfig {
  values: Record<string, string>;
  /** Secrets that stand unencrypted in the stack file, one line each. */
  mistakes: string[];
}

/** Reads all of this stack's `mem0:` keys, so that an unknown one is noticed too. */
export function readStackConfig(): StackConfig {
  const prefix = keyName([]);
  const values = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const encrypted = encryptedKeys();
  const mistakes = SECRET_KEYS.filter((key) => key in values && !encrypted.includes(keyName([key]))).map(
    (key) => inClear(key, pulumi.getStack()),
  );
  return { values, mistakes };
}

/** Pulumi's language host lists the encrypted keys here; the SDK has no public call that tells. */
function encryptedKeys(): string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
}
