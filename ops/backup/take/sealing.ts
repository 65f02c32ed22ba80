import { createHash } from "node:crypto";
import {
  access,
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { isHolderAlive, readHolder, thisProcess } from "../../base/process-lock.ts";
import { type BackupContent, renderBackupManifest } from "../format/backup-manifest.ts";
import { FILES, layout, type Tier } from "../format/layout.ts";
import type { PartFiles } from "../format/part-files.ts";
import { type Backup, readCatalogue } from "../keep/catalogue.ts";

/** Begins a directory for unfinished work under `root`; it says who is at it. */
export async function beginPartial(root: string, name: string): Promise<string> {
  // Says why when it may not be written to; a directory made with its parents would only say that it is not there.
  await access(root, constants.W_OK);
  const directory = path.join(layout.partial(root), `${name}-${process.pid}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeSynced(path.join(directory, FILES.owner), JSON.stringify(thisProcess()));
  return directory;
}

/** Removes what runs left that are dead; returns the directories' names. */
export async function removeDeadPartials(root: string): Promise<string[]> {
  const removed: string[] = [];
  for (const directory of readCatalogue(root).unfinished) {
    const owner = readHolder(path.join(directory, FILES.owner));
    if (owner !== undefined && owner.pid !== process.pid && isHolderAlive(owner)) continue;
    await rm(directory, { recursive: true, force: true });
    removed.push(path.basename(directory));
  }
  return removed;
}

/**
 * Makes a finished backup of unfinished work: checksums, then the manifest, then everything to the disk, and only then
 * the name under which it counts.
 *
 * @returns the directory
 */
export async function seal(
  root: string,
  partial: string,
  parts: PartFiles,
  content: Omit<BackupContent, "checksums" | "parts">,
): Promise<string> {
  const checksums = parts.checksums();
  await writeSynced(path.join(partial, FILES.checksums), checksums);
  const manifest = renderBackupManifest({
    ...content,
    parts: [...parts.parts].sort((a, b) => (a.file < b.file ? -1 : 1)),
    checksums: createHash("sha256").update(checksums).digest("hex"),
  });
  await writeSynced(path.join(partial, FILES.manifest), manifest);
  const target =
    content.result === "suspect"
      ? layout.suspect(root, content.tier, content.id)
      : layout.backup(root, content.tier, content.id);
  return publish(partial, target);
}

/**
 * Lets a backup stand in another tier as well: its parts by hard links where the file system can, by copies where not,
 * with a manifest of their own.
 */
export async function promote(root: string, { directory, manifest }: Backup, tier: Tier): Promise<string> {
  const partial = await beginPartial(root, `${tier}-${manifest.id}`);
  for (const { file } of manifest.parts) await linkOrCopy(directory, partial, file);
  await linkOrCopy(directory, partial, FILES.checksums);
  const { seal: _, ...content } = manifest;
  await writeSynced(path.join(partial, FILES.manifest), renderBackupManifest({ ...content, tier }));
  return publish(partial, layout.backup(root, tier, manifest.id));
}

/** Gives finished work its name; both directories are on the disk before it counts. */
export async function publish(partial: string, target: string): Promise<string> {
  await rm(path.join(partial, FILES.owner), { force: true });
  const parent = path.dirname(target);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(partial, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncDirectory(path.join(partial, entry.name));
  }
  await syncDirectory(partial);
  await rename(partial, target);
  await syncDirectory(parent);
  await syncDirectory(path.dirname(parent));
  return target;
}

/** Writes a small file that is on the disk when this returns. */
export async function writeSynced(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flush: true });
}

async function linkOrCopy(from: string, to: string, file: string): Promise<void> {
  const target = path.join(to, file);
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
  try {
    await link(path.join(from, file), target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EMLINK" && code !== "EXDEV") throw error;
    await copyFile(path.join(from, file), target);
    await sync(target);
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A directory's entries. Some network file systems cannot be asked for it, and have nothing better to offer. */
async function syncDirectory(directory: string): Promise<void> {
  await sync(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EINVAL" && error.code !== "ENOTSUP") throw error;
  });
}
