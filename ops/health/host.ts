import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

/** The nearest directory above a path that is there: a backup root may not be, before the first backup. */
function nearest(place: string): string {
  let existing = place;
  while (!existsSync(existing)) existing = path.dirname(existing);
  return existing;
}

/** Bytes that are free where a directory is, or will be. */
export async function freeOn(place: string): Promise<number> {
  const { bavail, bsize } = await statfs(nearest(place));
  return bavail * bsize;
}

/** Whether the disk of a directory is encrypted: by FileVault, or by LUKS below it; undefined when nobody can tell. */
export async function diskIsEncrypted(place: string, withinMs: number): Promise<boolean | undefined> {
  const ask = async (command: string, ...args: string[]) => {
    const { failed, stdout } = await execa(command, args, {
      timeout: withinMs,
      reject: false,
      stdin: "ignore",
    });
    return failed ? undefined : stdout.trim();
  };
  if (process.platform === "darwin") {
    // FileVault tells of the disk that the Mac starts from; of another one nobody is asked.
    if (place.startsWith("/Volumes/")) return undefined;
    const status = await ask("fdesetup", "status");
    return status === undefined ? undefined : status.includes("FileVault is On");
  }
  const source = await ask("findmnt", "-no", "SOURCE", "-T", nearest(place));
  if (source === undefined || !source.startsWith("/dev/")) return undefined;
  const below = await ask("lsblk", "-sno", "TYPE", source.replace(/\[.*\]$/, ""));
  return below === undefined ? undefined : below.split(/\s+/).includes("crypt");
}
