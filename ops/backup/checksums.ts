import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Backup } from "./catalogue.ts";
import { FILES } from "./layout.ts";

/**
 * Every file that the manifest names has the sum that was written, and no sum is of a file that it does not name.
 *
 * @returns what was compared, for people
 * @throws Error with the first file that is not as it was written
 */
export async function compareChecksums({
  directory,
  manifest,
}: Pick<Backup, "directory" | "manifest">): Promise<string> {
  const text = readFileSync(path.join(directory, FILES.checksums), "utf8");
  if (createHash("sha256").update(text).digest("hex") !== manifest.checksums) {
    throw new Error(`${FILES.checksums} is not as it was written`);
  }
  const sums = new Map(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map(([, sum, file]) => [file ?? "", sum]),
  );
  for (const { file } of manifest.parts) {
    const sum = sums.get(file);
    if (sum === undefined) throw new Error(`${FILES.checksums} does not name ${file}`);
    if ((await hashFile(path.join(directory, file), "sha256")) !== sum) {
      throw new Error(`${file} is not as it was written`);
    }
    sums.delete(file);
  }
  const [extra] = sums.keys();
  if (extra !== undefined) throw new Error(`${FILES.checksums} names ${extra}, which the manifest does not`);
  return `${manifest.parts.length} files as they were written`;
}

export async function hashFile(file: string, algorithm: "sha256" | "md5"): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
