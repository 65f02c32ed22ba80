import path from "node:path";
import { ExitCode, Problem } from "../../base/problem.ts";

/** The tiers of backups, the shortest interval first. */
export const TIERS = ["hourly", "daily", "weekly", "monthly"] as const;

export type Tier = (typeof TIERS)[number];

/** A backup's name: when it was begun, in UTC, to the second. */
export const BACKUP_ID = /^\d{8}_\d{6}$/;

/** `20261124_023000` for a time, in UTC. */
export function backupId(time: Date): string {
  return time.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_");
}

/** The time that an id names; undefined when it is no id, or no time that there is. */
export function timeOf(id: string): Date | undefined {
  if (!BACKUP_ID.test(id)) return undefined;
  const [, year, month, day, hour, minute, second] =
    /^(....)(..)(..)_(..)(..)(..)$/.exec(id) ?? ([] as string[]);
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) || backupId(time) !== id ? undefined : time;
}

/**
 * An id that a person gave: a name in the backup root, never a path.
 *
 * @throws Problem when it is none
 */
export function requireBackupId(given: string): string {
  if (timeOf(given) !== undefined) return given;
  throw new Problem(
    `${JSON.stringify(given)} names no backup: a backup is named by its time, as 20261124_023000`,
    {
      mend: "./mem0 backups lists what there is",
      exitCode: ExitCode.usage,
    },
  );
}

/** What lies where under a backup root. */
export const layout = {
  /** Proves that the root is one, and not an empty mount point. */
  marker: (root: string) => path.join(root, ".mem0-backup-root"),
  /** Unfinished work; a directory per run. */
  partial: (root: string) => path.join(root, ".partial"),
  tier: (root: string, tier: Tier) => path.join(root, tier),
  backup: (root: string, tier: Tier, id: string) => path.join(root, tier, id),
  suspects: (root: string, tier: Tier) => path.join(root, "suspect", tier),
  suspect: (root: string, tier: Tier, id: string) => path.join(root, "suspect", tier, id),
} as const;

/** File names inside one backup. */
export const FILES = {
  manifest: "manifest.json",
  checksums: "SHA256SUMS",
  /** Holds the name under which a person keeps the backup for good; may come and go, so no checksum covers it. */
  pin: "pin",
  /** Inside unfinished work: who is at it. */
  owner: "owner.json",
} as const;
