import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Way } from "../../ops/stack/machine-file.ts";

/** Debian's own image, by the digest of its index (all platforms). */
export const OFFICIAL_IMAGE =
  "debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f";

/** Files of this directory that make the image; a change of one makes another image. */
export const CONTEXT_FILES = ["Dockerfile", "apt-image.conf", "dpkg-slim.conf", "policy-rc.d"] as const;

/** Mirrors of Debian's archives; without one, Debian's own tools know where to look. */
export interface Mirrors {
  debian: string;
  security: string;
}

/** The mirrors that this machine names. By convention the security archive lies beside the other. */
export function mirrors(env: NodeJS.ProcessEnv): Mirrors | undefined {
  const debian = env.MEM0_DEBIAN_MIRROR;
  if (!debian) return undefined;
  return { debian, security: env.MEM0_DEBIAN_SECURITY_MIRROR || `${debian.replace(/\/$/, "")}-security` };
}

/** All that the base image depends on. */
export interface Recipe {
  /** `CONTEXT_FILES` by name, with their text. */
  files: Record<string, string>;
  /** As `parseCertificates` spells and sorts them. */
  certificates: readonly string[];
  mirrors: Mirrors | undefined;
  way: Exclude<Way, "found">;
}

export function readContextFiles(): Record<string, string> {
  return Object.fromEntries(
    CONTEXT_FILES.map((name) => [name, readFileSync(path.join(import.meta.dirname, name), "utf8")]),
  );
}

/** Name of the image: the same recipe gives the same tag, and an edit of any part of it another. */
export function baseImageTag(recipe: Recipe): string {
  const origin = recipe.way === "official" ? OFFICIAL_IMAGE : "mmdebstrap trixie";
  const canonical = JSON.stringify([
    CONTEXT_FILES.map((name) => recipe.files[name]),
    recipe.certificates,
    recipe.mirrors ?? null,
    origin,
  ]);
  return `mem0/base:trixie-${createHash("sha256").update(canonical).digest("hex").slice(0, 16)}`;
}

/**
 * Arguments of mmdebstrap that write the smallest Debian with certificates to a tar file, slim from the start. Named no
 * archive, it takes Debian's own, updates and security updates included.
 */
export function mmdebstrapArguments(mirrors: Mirrors | undefined, slim: string, output: string): string[] {
  return [
    "--variant=minbase",
    "--include=ca-certificates",
    `--dpkgopt=${slim}`,
    "trixie",
    output,
    ...mmdebstrapSources(mirrors),
  ];
}

/** Lines of sources.list for mmdebstrap; none means Debian's own archives. */
export function mmdebstrapSources(mirrors: Mirrors | undefined): string[] {
  if (mirrors === undefined) return [];
  return [
    `deb ${mirrors.debian} trixie main`,
    `deb ${mirrors.debian} trixie-updates main`,
    `deb ${mirrors.security} trixie-security main`,
  ];
}
