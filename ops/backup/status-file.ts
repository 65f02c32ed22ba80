import path from "node:path";
import { z } from "zod";
import { readBelow } from "../base/below.ts";
import { writeBelow } from "../base/write-below.ts";
import type { Tier } from "./format/layout.ts";

const time = z.iso.datetime();

const tierStatus = z.strictObject({
  lastRun: z.strictObject({
    time,
    seconds: z.number(),
    result: z.enum(["ok", "failed", "suspect"]),
    /** What went wrong, for people. */
    reason: z.string().optional(),
  }),
  lastSuccess: z
    .strictObject({ time, seconds: z.number(), bytes: z.number(), memories: z.number(), id: z.string() })
    .optional(),
});

/** How backups and drills went, for the exporter and the verbs that report. */
const statusSchema = z.strictObject({
  version: z.literal(1),
  tiers: z.partialRecord(z.enum(["hourly", "daily", "weekly", "monthly"]), tierStatus),
  drill: z
    .strictObject({
      time,
      result: z.enum(["ok", "failed"]),
      seconds: z.number(),
      backup: z.string().optional(),
    })
    .optional(),
  /** The last copy elsewhere. */
  copy: z.strictObject({ time, result: z.enum(["ok", "failed"]), reason: z.string().optional() }).optional(),
  /** The file system of the backup root, as the last run saw it. */
  disk: z.strictObject({ time, freeBytes: z.number(), sizeBytes: z.number() }).optional(),
});

export type BackupStatus = z.output<typeof statusSchema>;
export type TierStatus = z.output<typeof tierStatus>;

export function statusFile(stateDir: string): string {
  return path.join(stateDir, "status", "backups.json");
}

/** The status so far; an empty one before the first run, and in place of a damaged file: nothing but reports depends on it. */
export function readStatus(stateDir: string): BackupStatus {
  const text = readBelow(stateDir, statusFile(stateDir));
  const nothing: BackupStatus = { version: 1, tiers: {} };
  if (text === undefined) return nothing;
  try {
    return statusSchema.parse(JSON.parse(text));
  } catch {
    return nothing;
  }
}

/** Changes the status; whoever reads it sees the old or the new one. The exporter reads it as another user. */
export function updateStatus(stateDir: string, change: (status: BackupStatus) => BackupStatus): void {
  const status = statusSchema.parse(change(readStatus(stateDir)));
  const text = `${JSON.stringify(status, null, 2)}\n`;
  writeBelow(stateDir, statusFile(stateDir), text, { mode: 0o644, directoryMode: 0o755 });
}

/** Notes how a run of one tier ended; what succeeded last stays until something else succeeds. */
export function noteRun(
  status: BackupStatus,
  tier: Tier,
  lastRun: TierStatus["lastRun"],
  lastSuccess?: TierStatus["lastSuccess"],
): BackupStatus {
  const good = lastSuccess ?? status.tiers[tier]?.lastSuccess;
  return {
    ...status,
    tiers: { ...status.tiers, [tier]: { lastRun, ...(good === undefined ? {} : { lastSuccess: good }) } },
  };
}
