import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import path from "node:path";
import { ZodError } from "zod";
import { lookBelow, NotFollowed, readBelow } from "../../base/below.ts";
import { isFinderFile } from "../../base/finder-files.ts";
import {
  type BackupContent,
  type BackupManifest,
  NewerBackup,
  parseBackupManifest,
  readManifestSeal,
  renderBackupManifest,
} from "../format/backup-manifest.ts";
import { BACKUP_ID, FILES, layout, TIERS, type Tier } from "../format/layout.ts";
import { type SealKey, type SealState, sealState } from "../format/seal.ts";

/** A whole backup: its manifest is sealed, and every part is there in its size. */
export interface Backup {
  id: string;
  tier: Tier;
  directory: string;
  manifest: BackupManifest;
  /** Who sealed it, as far as the keys tell that it was read with. */
  sealed: SealState;
  /** Name under which a person keeps it for good. */
  pin: string | undefined;
  /** Size of all parts. */
  bytes: number;
}

/** A directory that is named like a backup and is none, or none any more. */
export interface Damaged {
  id: string;
  tier: Tier;
  directory: string;
  suspect: boolean;
  /** `no-manifest`: never sealed, or made by another tool; `newer`: whole, and of a version after this one; the rest:
   * sealed once and damaged since. */
  kind: "no-manifest" | "newer" | "manifest" | "checksums" | "part";
  reason: string;
}

/** What lies in a backup root; each list in the order of ids, the oldest first. */
export interface Catalogue {
  root: string;
  /** Those of the stack's own making. */
  good: Backup[];
  /** Whole, and not to be told from what anybody else may have put there: none of them counts for anything. */
  foreign: Backup[];
  /** Kept apart until a person accepts them; while there is one, nothing may be removed. */
  suspects: Backup[];
  damaged: Damaged[];
  /** Directories of runs that have not ended, or were cut off. */
  unfinished: string[];
}

/**
 * Reads what lies in `root`: manifests, sizes and the checksum file, not the parts' content.
 *
 * @param keys those whose backups count as the stack's own; none for a stack from before there were seals
 */
export function readCatalogue(root: string, keys: readonly SealKey[]): Catalogue {
  const catalogue: Catalogue = { root, good: [], foreign: [], suspects: [], damaged: [], unfinished: [] };
  const add = (whole: Backup[], place: Parameters<typeof readBackup>[0]) => {
    const found = readBackup(place, keys);
    if (isWhole(found)) whole.push(found);
    else catalogue.damaged.push(found);
  };
  for (const tier of TIERS) {
    for (const id of backupsIn(root, layout.tier(root, tier))) {
      add(catalogue.good, { id, tier, directory: layout.backup(root, tier, id), suspect: false });
    }
    for (const id of backupsIn(root, layout.suspects(root, tier))) {
      add(catalogue.suspects, { id, tier, directory: layout.suspect(root, tier, id), suspect: true });
    }
  }
  for (const list of [catalogue.good, catalogue.suspects, catalogue.damaged]) list.sort(byId);
  catalogue.unfinished = unfinishedIn(root);
  const isOwn = ownAmong([...catalogue.good, ...catalogue.suspects]);
  catalogue.foreign = catalogue.good.filter((backup) => !isOwn(backup));
  catalogue.good = catalogue.good.filter(isOwn);
  return catalogue;
}

/** Directories of runs that have not ended, or were cut off. */
export function unfinishedIn(root: string): string[] {
  return directoriesIn(root, layout.partial(root)).map((name) => path.join(layout.partial(root), name));
}

/**
 * Tells which backups a stack made: those that it sealed, and unsealed ones from before the first of them, as it made
 * them when there were no seals. What is unsealed and newer cannot be its own, whatever it says; and what says two things
 * of its time is believed in neither.
 */
function ownAmong(backups: readonly Backup[]): (backup: Backup) => boolean {
  const sealed = backups.filter(isSealed);
  const first = sealed.map(({ id }) => id).sort()[0];
  const firstCut = Math.min(...sealed.map(cutOf));
  const isFromBefore = (backup: Backup) =>
    backup.sealed === "unsealed" && (first === undefined || (backup.id < first && cutOf(backup) < firstCut));
  return (backup) => isSealed(backup) || isFromBefore(backup);
}

function isSealed({ sealed }: Backup): boolean {
  return sealed === "this-stack";
}

function cutOf({ manifest }: Backup): number {
  return Date.parse(manifest.cutAt);
}

/** The newest good backup of any tier, or of those that pass `which`. */
export function newestGood(
  catalogue: Catalogue,
  which: (backup: Backup) => boolean = () => true,
): Backup | undefined {
  return catalogue.good.findLast(which);
}

/** Reads one backup directory. @param keys as in `readCatalogue` */
export function readBackup(
  place: { id: string; tier: Tier; directory: string; suspect: boolean },
  keys: readonly SealKey[],
): Backup | Damaged {
  const { directory } = place;
  if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    return { ...place, kind: "no-manifest", reason: "it is a symbolic link, which is not followed" };
  }
  try {
    return readInside(place, keys);
  } catch (error) {
    if (!(error instanceof NotFollowed)) throw error;
    // What has no manifest of its own is none of ours, and nothing removes it.
    const isManifest = error.where === path.join(directory, FILES.manifest);
    return { ...place, kind: isManifest ? "no-manifest" : "part", reason: error.message };
  }
}

/** @throws NotFollowed for a link inside */
function readInside(...[place, keys]: Parameters<typeof readBackup>): Backup | Damaged {
  const { id, tier, directory, suspect } = place;
  const damaged = (kind: Damaged["kind"], reason: string): Damaged => ({ ...place, kind, reason });
  const read = (name: string) => readBelow(directory, path.join(directory, name));
  const text = read(FILES.manifest);
  if (text === undefined) return damaged("no-manifest", `${FILES.manifest} is missing`);
  let manifest: BackupManifest;
  try {
    manifest = parseBackupManifest(text);
  } catch (error) {
    const { kind, reason } = whyUnreadable(error);
    return damaged(kind, reason);
  }
  if (manifest.id !== id || manifest.tier !== tier) {
    return damaged("manifest", `${FILES.manifest} is of ${manifest.tier} ${manifest.id}`);
  }
  if ((manifest.result === "suspect") !== suspect) {
    return damaged("manifest", `${FILES.manifest} says that the backup is ${manifest.result}`);
  }
  const sums = read(FILES.checksums);
  if (sums === undefined) return damaged("checksums", `${FILES.checksums} is missing`);
  if (createHash("sha256").update(sums).digest("hex") !== manifest.checksums) {
    return damaged("checksums", `${FILES.checksums} is not as it was written`);
  }
  for (const part of manifest.parts) {
    const found = lookBelow(directory, path.join(directory, part.file));
    if (found !== undefined && !found.isFile()) return damaged("part", `${part.file} is no file`);
    const size = found?.size;
    if (size === part.bytes) continue;
    return damaged(
      "part",
      size === undefined ? `${part.file} is missing` : `${part.file} has ${size} bytes, not ${part.bytes}`,
    );
  }
  const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
  const pin = read(FILES.pin)?.trim();
  const sealed = sealState(readManifestSeal(text), keys);
  return { id, tier, directory, manifest, sealed, pin: pin === "" ? undefined : pin, bytes };
}

/** Whether `readBackup` found a whole one. */
export function isWhole(found: Backup | Damaged): found is Backup {
  return "manifest" in found;
}

/**
 * The manifest of a backup with some of it changed. It is sealed anew only where its seal was this stack's: what somebody
 * else wrote does not become the stack's own by being accepted.
 *
 * @param key the stack's; undefined when it has none yet
 */
export function changedManifest(
  { manifest, sealed }: Pick<Backup, "manifest" | "sealed">,
  change: Partial<BackupContent>,
  key: SealKey | undefined,
): string {
  const { seal: _, ...content } = manifest;
  return renderBackupManifest({ ...content, ...change }, sealed === "this-stack" ? key : undefined);
}

function backupsIn(root: string, directory: string): string[] {
  return directoriesIn(root, directory).filter((name) => BACKUP_ID.test(name));
}

/**
 * Names of the directories in one that may not be there; files between them are nobody's backup. Links are named too, for
 * whoever reads a backup to say so.
 *
 * @throws NotFollowed when it is a link itself
 */
function directoriesIn(root: string, directory: string): string[] {
  const isDirectory = (name: string) => {
    const found = lstatSync(path.join(directory, name), { throwIfNoEntry: false });
    return found?.isDirectory() === true || found?.isSymbolicLink() === true;
  };
  lookBelow(root, directory);
  return (unlessMissing(() => readdirSync(directory)) ?? [])
    .filter((name) => !isFinderFile(name) && isDirectory(name))
    .sort();
}

/** What may not be read, as without macOS' Full Disk Access, is not taken for missing. */
function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What `parseBackupManifest` found wrong; of a manifest that is none, the first field that is wrong, by its name. */
export function whyUnreadable(error: unknown): Pick<Damaged, "kind" | "reason"> {
  if (error instanceof NewerBackup) return { kind: "newer", reason: error.message };
  let reason = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
  if (error instanceof ZodError) {
    const [issue] = error.issues;
    reason = `${issue?.path.join(".") || "it"}: ${issue?.message}`;
  }
  return { kind: "manifest", reason: `${FILES.manifest} is damaged: ${reason}` };
}

/** A sentence about a backup that cannot be used. */
export function unusable(what: string, { kind, reason }: Pick<Damaged, "kind" | "reason">): string {
  return kind === "newer" ? `${what}: ${reason}` : `${what} is damaged: ${reason}`;
}

function byId(a: { id: string; tier: Tier }, b: { id: string; tier: Tier }): number {
  return a.id.localeCompare(b.id) || TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier);
}
