import { access, constants, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeBelow } from "../../base/below.ts";
import { Problem } from "../../base/problem.ts";
import { type Holder, isHolderAlive, readHolder, thisProcess } from "../../base/process-lock.ts";
import { FILES, layout } from "../format/layout.ts";
import { unfinishedIn } from "./catalogue.ts";
import { removeUnfinished } from "./removal.ts";

/** Begins a directory for unfinished work under `root`; it says who is at it. */
export async function beginPartial(root: string, name: string): Promise<string> {
  // This error says why the root may not be written to; that of `mkdir` would only say that it is missing.
  await access(root, constants.W_OK);
  const directory = path.join(layout.partial(root), `${name}-${process.pid}`);
  makeBelow(root, directory);
  await writeSynced(path.join(directory, FILES.owner), JSON.stringify(thisProcess()));
  return directory;
}

/** Removes what dead runs have left, and nothing that is not ours; returns the directories' names. */
export async function removeDeadPartials(root: string): Promise<string[]> {
  const removed: string[] = [];
  for (const directory of unfinishedIn(root)) {
    const owner = ownerOf(directory);
    if (owner !== undefined && owner.pid !== process.pid && isHolderAlive(owner)) continue;
    if (removeUnfinished(directory)) removed.push(path.basename(directory));
  }
  return removed;
}

/** Who is at unfinished work; nobody when the file that tells was cut off by what killed its writer. */
function ownerOf(directory: string): Holder | undefined {
  try {
    return readHolder(path.join(directory, FILES.owner));
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** Gives finished work in a root its name; both directories are on the disk before it counts. */
export async function publish(root: string, partial: string, target: string): Promise<string> {
  const parent = path.dirname(target);
  makeBelow(root, parent);
  await rm(path.join(partial, FILES.owner), { force: true });
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

/** Waits until a file's content is on the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Waits until a directory's entries are on the disk. Some network file systems cannot do that, and offer nothing better. */
async function syncDirectory(directory: string): Promise<void> {
  await syncFile(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EINVAL" && error.code !== "ENOTSUP") throw error;
  });
}
