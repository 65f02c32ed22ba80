import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { lookBelow, readBelow, streamBelow } from "../../base/below.ts";
import { isFinderFile } from "../../base/finder-files.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { counting } from "./byte-meter.ts";
import { FILES } from "./layout.ts";
import type { OnBytes } from "./part-files.ts";

/**
 * Compares every file that the manifest names with its checksum, and refuses checksums of files that it does not name.
 *
 * @returns what was compared, for people
 * @throws Error with the first file that is not as it was written
 */
export async function compareChecksums(
  { directory, manifest }: { directory: string; manifest: BackupManifest },
  onBytes: OnBytes = () => {},
): Promise<string> {
  const text = readBelow(directory, path.join(directory, FILES.checksums)) ?? "";
  if (createHash("sha256").update(text).digest("hex") !== manifest.checksums) {
    throw new Error(`${FILES.checksums} is not as it was written`);
  }
  const sums = new Map(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map(([, sum, file]) => [file ?? "", sum]),
  );
  for (const { file } of manifest.parts) {
    const sum = sums.get(file);
    if (sum === undefined) throw new Error(`${FILES.checksums} does not name ${file}`);
    const content = streamBelow(directory, path.join(directory, file));
    if ((await hashOf(content, "sha256", counting(file, onBytes))) !== sum) {
      throw new Error(`${file} is not as it was written`);
    }
    sums.delete(file);
  }
  const [extra] = sums.keys();
  if (extra !== undefined) throw new Error(`${FILES.checksums} names ${extra}, which the manifest does not`);
  return `${manifest.parts.length} files as they were written`;
}

export function hashFile(file: string, algorithm: "sha256" | "md5"): Promise<string> {
  return hashOf(streamBelow(path.dirname(file), file), algorithm);
}

/** @param through what the bytes go through on their way */
async function hashOf(
  content: Readable,
  algorithm: "sha256" | "md5",
  ...through: Transform[]
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline([content, ...through, hash]);
  return hash.digest("hex");
}

/** The same for a backup of the old guide's form, as far as it has checksums. */
export async function compareOldChecksums(directory: string): Promise<string> {
  const sums = oldChecksums(directory);
  for (const [file, { algorithm, sum }] of sums) {
    if ((await hashOf(streamBelow(directory, path.join(directory, file)), algorithm)) !== sum)
      throw new Error(`${file} is not as it was written`);
  }
  return `${sums.size} files as they were written`;
}

/** Checksums that lie in an old backup in the form of `sha256sum` or `md5sum`, by file. */
export function oldChecksums(directory: string): Map<string, { algorithm: "sha256" | "md5"; sum: string }> {
  const sums = new Map<string, { algorithm: "sha256" | "md5"; sum: string }>();
  const folders = [".", "postgres", "neo4j"].filter((folder) =>
    lookBelow(directory, path.join(directory, folder))?.isDirectory(),
  );
  for (const folder of folders) {
    for (const name of readdirSync(path.join(directory, folder))) {
      if (isFinderFile(name) || !/(sum|\.sha256|\.md5)/i.test(name)) continue;
      const text = readBelow(directory, path.join(directory, folder, name)) ?? "";
      for (const [, sum, listed] of text.matchAll(/^([0-9a-f]{32}|[0-9a-f]{64})\s+\*?(.+)$/gm)) {
        const file = locate(directory, folder, listed ?? "");
        if (file === undefined || sum === undefined) continue;
        sums.set(file, { algorithm: sum.length === 64 ? "sha256" : "md5", sum });
      }
    }
  }
  return sums;
}

/** Old scripts wrote absolute paths, paths from the backup's directory, or bare names. */
function locate(directory: string, folder: string, listed: string): string | undefined {
  const parts = listed.trim().split("/");
  const candidates = [path.join(folder, listed), listed, path.join(...parts.slice(-2)), parts.at(-1) ?? ""];
  return candidates
    .map((candidate) => path.normalize(candidate))
    .find(
      (candidate) =>
        !path.isAbsolute(candidate) &&
        !candidate.startsWith("..") &&
        lookBelow(directory, path.join(directory, candidate))?.isFile(),
    );
}
