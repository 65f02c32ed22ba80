import { lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { lookBelow, makeBelow } from "../../base/below.ts";
import { isFinderFile } from "../../base/finder-files.ts";
import { Problem } from "../../base/problem.ts";
import { FILES, layout, TIERS, type Tier } from "../format/layout.ts";

/** One of these files lies in every directory of ours: who is at it, or, when it is finished, its manifest. */
const MARKERS: readonly string[] = [FILES.owner, FILES.manifest];

/** Names of our directories of unfinished work, and of backups on their way out. */
const BACKUP = String.raw`(?:${TIERS.join("|")})-\d{8}_\d{6}`;
const UNFINISHED = new RegExp(String.raw`^(?:${BACKUP}-\d+|removed-${BACKUP})$`);

/**
 * Removes a directory of unfinished work, when it bears a name and a file of ours, or is empty as a run leaves it that was
 * killed at once. Those files go last, so that a removal that is cut off can be ended by the next.
 *
 * @returns whether it was ours
 */
export function removeUnfinished(directory: string): boolean {
  if (!UNFINISHED.test(path.basename(directory))) return false;
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  const names = readdirSync(directory);
  const isFile = (name: string) =>
    lstatSync(path.join(directory, name), { throwIfNoEntry: false })?.isFile() === true;
  const isEmpty = names.every((name) => isFinderFile(name));
  if (!isEmpty && !MARKERS.some(isFile)) return false;
  for (const name of names) {
    if (!MARKERS.includes(name)) rmSync(path.join(directory, name), { recursive: true, force: true });
  }
  rmSync(directory, { recursive: true, force: true });
  return true;
}

/**
 * Removes a backup that lies in `root`. It loses its name first: a killed run leaves no half of a backup behind that could
 * pass for one.
 *
 * @throws Problem when what lies there is no backup of ours
 */
export function removeBackup(root: string, tier: Tier, id: string, directory: string): void {
  const manifest = path.join(directory, FILES.manifest);
  if (lookBelow(root, manifest)?.isFile() !== true) throw notOurs(directory);
  const grave = path.join(layout.partial(root), `removed-${tier}-${id}`);
  makeBelow(root, path.dirname(grave));
  if (lookBelow(root, grave) !== undefined && !removeUnfinished(grave)) throw notOurs(grave);
  renameSync(directory, grave);
  removeUnfinished(grave);
}

function notOurs(directory: string): Problem {
  return new Problem("what lies here bears no mark of this tool, and is not removed", {
    where: directory,
    mend: "look at it, and move it away",
  });
}
