import { renameSync, rmSync } from "node:fs";
import path from "node:path";
import { makeBelow, readBelow } from "../../base/below.ts";
import { ExitCode, Problem } from "../../base/problem.ts";
import { writeBelow } from "../../base/write-below.ts";
import { parseBackupManifest, readManifestSeal } from "../format/backup-manifest.ts";
import { FILES, layout, requireBackupId, TIERS, type Tier, timeOf } from "../format/layout.ts";
import { SEAL_WORDS, type SealKey, sealState } from "../format/seal.ts";
import {
  type Backup,
  type Catalogue,
  changedManifest,
  isWhole,
  readBackup,
  readCatalogue,
} from "./catalogue.ts";
import { removeBackup } from "./removal.ts";
import {
  type Candidate,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  waitsForJudgement,
} from "./retention.ts";
import { backupsVerb, unwritable } from "./root.ts";

/** A backup that lies in the root, as retention looks at it. */
export interface Listed extends Candidate {
  directory: string;
  /** Undefined when it is damaged. */
  backup: Backup | undefined;
  /** What is wrong with one that is not good. */
  wrong: string | undefined;
}

/** Everything that retention judges. Backups of the old guide's form are no part of it: nothing here removes them. */
export function listed(catalogue: Catalogue): Listed[] {
  return [
    ...catalogue.good.map((backup) => whole(backup, "good")),
    ...catalogue.foreign.map((backup) =>
      // Somebody has written to one of the stack's own.
      whole(backup, backup.sealed === "changed" ? "damaged" : "foreign", SEAL_WORDS[backup.sealed]),
    ),
    ...catalogue.suspects.map((backup) => whole(backup, "suspect", backup.manifest.reasons.join("; "))),
    ...catalogue.damaged
      .filter(({ kind }) => kind !== "no-manifest")
      .map(({ id, tier, directory, kind, reason }) => ({
        id,
        tier,
        cutAt: timeOf(id) ?? new Date(0),
        result: kind === "newer" ? ("newer" as const) : ("damaged" as const),
        directory,
        backup: undefined,
        wrong: reason,
      })),
  ];
}

function whole(backup: Backup, result: Listed["result"], wrong?: string): Listed {
  const { id, tier, manifest, pin: name, directory, sealed } = backup;
  const cutAt = new Date(manifest.cutAt);
  return { id, tier, cutAt, result, sealed: sealed === "this-stack", pin: name, directory, backup, wrong };
}

/** What of a catalogue is kept, why, and what may go. */
export function judge(catalogue: Catalogue, policy: RetentionPolicy, now: Date): RetentionPlan<Listed> {
  try {
    return planRetention(listed(catalogue), policy, now);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new Problem(cause.message, { where: "mem0:backup.keep", exitCode: ExitCode.usage, cause });
  }
}

/**
 * Removes what the settings no longer keep, the oldest first. Every removal is one renaming: a killed run leaves no
 * half of a backup behind that could pass for one.
 *
 * @param keys those whose backups count as the stack's own
 * @returns what was removed, and why nothing was although there would be something
 */
export function prune(
  root: string,
  policy: RetentionPolicy,
  now: Date,
  keys: readonly SealKey[],
): Pick<RetentionPlan<Listed>, "removed" | "stopped"> {
  const { removed, stopped } = judge(readCatalogue(root, keys), policy, now);
  for (const backup of removed) remove(root, backup);
  return { removed, stopped };
}

/**
 * Takes a suspect for good: it counts from now on, and no longer stops anything. Completes what was killed.
 *
 * @param keys those whose backups count as the stack's own; the first, which is the stack's, seals it anew
 */
export function accept(root: string, id: string, keys: readonly SealKey[]): Backup {
  requireBackupId(id);
  const { tier, directory, file, text } = findSuspect(root, id);
  const suspect = { manifest: parseBackupManifest(text), sealed: sealState(readManifestSeal(text), keys) };
  const target = layout.backup(root, tier, id);
  try {
    writeBelow(root, file, changedManifest(suspect, { result: "good" }, keys[0]));
    makeBelow(root, path.dirname(target));
    renameSync(directory, target);
  } catch (cause) {
    throw unwritable(root, cause);
  }
  const found = readBackup({ id, tier, directory: target, suspect: false }, keys);
  if (isWhole(found)) return found;
  throw new Problem(`backup ${id} was accepted, and is damaged: ${found.reason}`, { where: target });
}

/** Deletes a suspect or damaged backup, or a foreign one. */
export function discard(root: string, id: string, keys: readonly SealKey[]): void {
  requireBackupId(id);
  const all = listed(readCatalogue(root, keys)).filter((one) => one.id === id);
  const newer = all.find(({ result }) => result === "newer");
  if (newer !== undefined) throw new Problem(`backup ${id}: ${newer.wrong}`, { where: newer.directory });
  const wrong = all.filter((one) => waitsForJudgement(one) || one.result === "foreign");
  if (wrong.length === 0) throw noSuch(root, id, "suspect, damaged or foreign backup");
  for (const { tier, directory } of wrong) remove(root, { tier, id, directory });
}

/** Names of pinned backups: they stand in one line of a file, and in tables. */
const PIN_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,62}[\p{L}\p{N}._-])?$/u;

/** Keeps a backup for good under a name, in every tier that has it; without a name no longer. */
export function pin(root: string, id: string, name: string | undefined): void {
  requireBackupId(id);
  if (name !== undefined && !PIN_NAME.test(name)) {
    throw new Problem(`${JSON.stringify(name)} is no name that a backup can be kept under`, {
      mend: "1 to 64 letters, digits, spaces, `.`, `_` and `-`, a letter or digit first, e.g. before-the-move",
      exitCode: ExitCode.usage,
    });
  }
  // Whoever made it: a person keeps what he likes.
  const all = readCatalogue(root, []);
  const backups = [...all.good, ...all.foreign, ...all.suspects].filter((backup) => backup.id === id);
  if (backups.length === 0) throw noSuch(root, id, "backup");
  for (const { directory } of backups) {
    const file = path.join(directory, FILES.pin);
    try {
      if (name === undefined) rmSync(file, { force: true });
      else writeBelow(root, file, `${name}\n`);
    } catch (cause) {
      throw unwritable(root, cause);
    }
  }
}

function remove(root: string, { tier, id, directory }: Pick<Listed, "tier" | "id" | "directory">): void {
  try {
    removeBackup(root, tier, id, directory);
  } catch (cause) {
    throw unwritable(root, cause);
  }
}

function findSuspect(
  root: string,
  id: string,
): Record<"directory" | "file" | "text", string> & { tier: Tier } {
  for (const tier of TIERS) {
    const directory = layout.suspect(root, tier, id);
    const file = path.join(directory, FILES.manifest);
    const text = readBelow(root, file);
    if (text !== undefined) return { tier, directory, file, text };
  }
  throw noSuch(root, id, "suspect backup");
}

function noSuch(root: string, id: string, what: string): Problem {
  return new Problem(`there is no ${what} ${id}`, {
    where: root,
    mend: `${backupsVerb(root)} lists what there is`,
  });
}

/**
 * Which backups are to be verified: the named one, all, a share, or the newest good one. A share begins at another
 * place every day, so that every backup has its turn.
 */
export function chooseForVerification(
  { good, foreign, suspects, damaged }: Catalogue,
  { stack, ts, all, sample }: { stack: string; ts?: string | undefined; all?: boolean; sample?: number },
  now: Date,
): { backups: Backup[]; damaged: Catalogue["damaged"] } {
  if ([ts, all === true || undefined, sample].filter((one) => one !== undefined).length > 1) {
    throw new Problem("a backup, --all and --sample exclude each other", { exitCode: ExitCode.usage });
  }
  const ours = damaged.filter(({ kind }) => kind !== "no-manifest" && (kind !== "newer" || ts !== undefined));
  const everyone = [...good, ...foreign, ...suspects];
  if (ts !== undefined) {
    requireBackupId(ts);
    const backups = everyone.filter(({ id }) => id === ts);
    const broken = ours.filter(({ id }) => id === ts);
    if (backups.length + broken.length === 0) {
      throw new Problem(`there is no backup ${ts}`, { mend: `./mem0 backups ${stack} lists what there is` });
    }
    return { backups, damaged: broken };
  }
  if (all === true) return { backups: everyone, damaged: ours };
  if (sample === undefined) return { backups: good.slice(-1), damaged: [] };
  const count = Math.max(1, Math.round((everyone.length * sample) / 100));
  const start = (Math.floor(now.getTime() / 86_400_000) * count) % Math.max(1, everyone.length);
  return { backups: [...everyone.slice(start), ...everyone.slice(0, start)].slice(0, count), damaged: ours };
}
