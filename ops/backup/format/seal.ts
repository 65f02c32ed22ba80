import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/**
 * The seal of a manifest tells who wrote it: an HMAC-SHA-256, with a key that only the stack has, over the JSON of all
 * the rest of the manifest (without spaces, keys in the order of the file, without the seals themselves). The manifest
 * holds the checksum of SHA256SUMS, and that those of all parts: so the seal covers every byte of a backup but its pin.
 */
export const stackSealSchema = z.object({
  /** Which key: tells a backup of another stack from one that was changed. */
  key: z.string().regex(/^[0-9a-f]{16}$/),
  hmac: z.string().regex(/^[0-9a-f]{64}$/),
});

export type StackSeal = z.output<typeof stackSealSchema>;

/** What a manifest says of its seal. */
export interface ManifestSeal {
  /** What the seal covers. */
  content: string;
  /** Undefined for a backup from before there were seals. */
  by: StackSeal | undefined;
}

/** Who sealed a backup, as far as the keys at hand tell. */
export type SealState = "this-stack" | "another" | "changed" | "unsealed";

/** The same for people. */
export const SEAL_WORDS: Record<SealState, string> = {
  "this-stack": "sealed by this stack",
  another: "sealed by another stack",
  changed: "changed since it was sealed",
  unsealed: "unsealed",
};

/** Said before what is hashed, so that no hash of one kind is ever one of the other. */
const LABEL = { manifest: "mem0 backup manifest\n", id: "mem0 seal key\n" } as const;

/** A key that seals manifests. Nothing shows it. */
export class SealKey {
  /** A short hash, which may be seen by anybody. */
  readonly id: string;
  readonly #secret: string;

  /** @param text what its file holds */
  constructor(text: string) {
    this.#secret = text.trim();
    this.id = this.#hmac(LABEL.id, "").toString("hex").slice(0, 16);
  }

  sign(content: string): StackSeal {
    return { key: this.id, hmac: this.#hmac(LABEL.manifest, content).toString("hex") };
  }

  fits(content: string, hmac: string): boolean {
    return timingSafeEqual(this.#hmac(LABEL.manifest, content), Buffer.from(hmac, "hex"));
  }

  #hmac(label: string, content: string): Buffer {
    return createHmac("sha256", this.#secret).update(label).update(content).digest();
  }
}

/** @param keys those whose backups count as this stack's own */
export function sealState({ content, by }: ManifestSeal, keys: readonly SealKey[]): SealState {
  if (by === undefined) return "unsealed";
  const key = keys.find(({ id }) => id === by.key);
  if (key === undefined) return "another";
  return key.fits(content, by.hmac) ? "this-stack" : "changed";
}
