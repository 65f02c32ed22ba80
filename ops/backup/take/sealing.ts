import { createHash } from "node:crypto";
import { copyFile, link, mkdir } from "node:fs/promises";
import path from "node:path";
import { lookBelow } from "../../base/below.ts";
import { Problem } from "../../base/problem.ts";
import { type BackupContent, renderBackupManifest } from "../format/backup-manifest.ts";
import { FILES, layout, type Tier } from "../format/layout.ts";
import type { PartFiles } from "../format/part-files.ts";
import type { SealKey } from "../format/seal.ts";
import { type Backup, changedManifest, isWhole, readBackup } from "../keep/catalogue.ts";
import { beginPartial, publish, syncFile, writeSynced } from "../keep/unfinished.ts";

/**
 * Makes a finished backup of unfinished work: checksums, then the manifest, then everything to the disk, and only then
 * the name under which it counts.
 *
 * @param key the stack's; without one the backup is unsealed
 * @returns the directory
 */
export async function seal(
  root: string,
  partial: string,
  parts: PartFiles,
  content: Omit<BackupContent, "checksums" | "parts">,
  key?: SealKey,
): Promise<string> {
  const checksums = parts.checksums();
  await writeSynced(path.join(partial, FILES.checksums), checksums);
  const whole: BackupContent = {
    ...content,
    parts: [...parts.parts].sort((a, b) => (a.file < b.file ? -1 : 1)),
    checksums: createHash("sha256").update(checksums).digest("hex"),
  };
  const manifest = renderBackupManifest(whole, key);
  await writeSynced(path.join(partial, FILES.manifest), manifest);
  const target =
    content.result === "suspect"
      ? layout.suspect(root, content.tier, content.id)
      : layout.backup(root, content.tier, content.id);
  return publish(root, partial, target);
}

/**
 * Seals unfinished work under the name of its pin, if it has one, and reads it as whoever restores it will.
 *
 * @throws Problem when it is not whole
 */
export async function sealPinned(
  root: string,
  partial: string,
  parts: PartFiles,
  content: Omit<BackupContent, "checksums" | "parts">,
  { pin, key }: { pin: string | undefined; key: SealKey | undefined },
): Promise<Backup> {
  if (pin !== undefined) await writeSynced(path.join(partial, FILES.pin), `${pin}\n`);
  const directory = await seal(root, partial, parts, content, key);
  const { id, tier, result } = content;
  const backup = readBackup(
    { id, tier, directory, suspect: result === "suspect" },
    key === undefined ? [] : [key],
  );
  if (isWhole(backup)) return backup;
  throw new Problem(`the backup was damaged on its way to the disk: ${backup.reason}`);
}

/**
 * Lets a backup stand in another tier as well: its parts by hard links where the file system can, by copies where not,
 * with a manifest of their own.
 *
 * @param key the stack's, for the seal of that
 */
export async function promote(root: string, backup: Backup, tier: Tier, key?: SealKey): Promise<string> {
  const { directory, manifest } = backup;
  const partial = await beginPartial(root, `${tier}-${manifest.id}`);
  for (const { file } of manifest.parts) await linkOrCopy(directory, partial, file);
  await linkOrCopy(directory, partial, FILES.checksums);
  await writeSynced(path.join(partial, FILES.manifest), changedManifest(backup, { tier }, key));
  return publish(root, partial, layout.backup(root, tier, manifest.id));
}

async function linkOrCopy(from: string, to: string, file: string): Promise<void> {
  const target = path.join(to, file);
  lookBelow(from, path.join(from, file));
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
  try {
    await link(path.join(from, file), target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EMLINK" && code !== "EXDEV") throw error;
    await copyFile(path.join(from, file), target);
    await syncFile(target);
  }
}
