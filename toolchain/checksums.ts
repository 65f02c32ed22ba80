import { readFileSync } from "node:fs";
import path from "node:path";
import { Problem } from "../ops/base/problem.ts";

const FILE = path.join("toolchain", "checksums.txt");

/**
 * The SHA-256 that an archive from a vendor's site must have, in hex.
 *
 * @throws Problem when the table does not name the archive: it is not taken then
 */
export function pinnedChecksum(checkout: string, archive: string): string {
  const found = checksumIn(readFileSync(path.join(checkout, FILE), "utf8"), archive);
  if (found !== undefined) return found;
  throw new Problem(`${archive} has no checksum to compare it with, so it is not taken`, {
    where: FILE,
    mend:
      "./mem0 setup --way registries, which needs none of the vendor's; or add the checksum that the vendor's release page " +
      "on GitHub gives",
  });
}

/** @param table lines of `sha256sum`, and comments */
export function checksumIn(table: string, archive: string): string | undefined {
  return table
    .split("\n")
    .map((line) => /^([0-9a-f]{64}) [ *](\S+)$/.exec(line))
    .find((line) => line?.[2] === archive)?.[1];
}
