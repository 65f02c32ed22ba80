import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Malformed } from "../exposition.ts";
import type { Page } from "../page.ts";
import type { Part } from "./part.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Time between two backups, seconds; a month is taken at its longest. */
const INTERVALS: Record<string, number> = { hourly: HOUR, daily: DAY, weekly: 7 * DAY, monthly: 31 * DAY };

const RESULTS = ["ok", "failed", "suspect"] as const;

/** ISO 8601, as Unix seconds. */
const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: "is not a time" })
  .transform((text) => Date.parse(text) / 1000);

const tierStatus = z.object({
  lastRun: z.object({ time, seconds: z.number(), result: z.enum(RESULTS) }),
  lastSuccess: z.object({ time, seconds: z.number(), bytes: z.number(), memories: z.number() }).optional(),
});

type TierStatus = z.output<typeof tierStatus>;

/**
 * What the exporter reads of the file that ops/backup/status-file.ts writes. Fields that it does not know are left
 * alone: the verbs of the host may be newer than the exporter.
 */
const backupStatus = z.object({
  version: z.literal(1, { error: ({ input }) => `is ${String(input)}; known: 1` }),
  tiers: z.record(z.string(), tierStatus),
  disk: z.object({ freeBytes: z.number(), sizeBytes: z.number() }).optional(),
  copy: z.object({ time, result: z.string() }).optional(),
  drill: z.object({ time, result: z.string(), seconds: z.number() }).optional(),
});

type BackupStatus = z.output<typeof backupStatus>;

/** How backups and drills went, from the file that they leave for others to read. */
export function backupsPart(statusFile: string): Part {
  return {
    name: "backups",
    whenDown: (page) => {
      page.set("mem0_backup_status_up", 0);
    },
    collect: async (page) => {
      const status = await readFile(statusFile, "utf8").then(parse, ifMissing);
      if (status !== undefined) show(status, page);
      page.set("mem0_backup_status_up", 1);
    },
    close: async () => {},
  };
}

/** Before the first backup there is no file, and nothing wrong with that. */
function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** @throws Malformed naming every field that is not as it should be */
function parse(text: string): BackupStatus {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Malformed("backups.json is not JSON");
  }
  const { success, data, error } = backupStatus.safeParse(content);
  if (success) return data;
  const mistakes = error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim());
  throw new Malformed(`backups.json: ${mistakes.join("; ")}`);
}

function show({ tiers, disk, copy, drill }: BackupStatus, page: Page): void {
  for (const [tier, status] of Object.entries(tiers)) showTier(tier, status, page);
  if (disk !== undefined) {
    page.set("mem0_disk_free_bytes", disk.freeBytes, { place: "backups" });
    page.set("mem0_disk_size_bytes", disk.sizeBytes, { place: "backups" });
  }
  if (copy !== undefined) {
    page.set("mem0_backup_copy_timestamp_seconds", copy.time);
    page.set("mem0_backup_copy_success", copy.result === "ok" ? 1 : 0);
  }
  if (drill !== undefined) {
    page.set("mem0_restore_drill_timestamp_seconds", drill.time);
    page.set("mem0_restore_drill_success", drill.result === "ok" ? 1 : 0);
    page.set("mem0_restore_drill_duration_seconds", drill.seconds);
  }
}

function showTier(tier: string, { lastRun, lastSuccess }: TierStatus, page: Page): void {
  page.set("mem0_backup_last_run_timestamp_seconds", lastRun.time, { tier });
  page.set("mem0_backup_last_run_duration_seconds", lastRun.seconds, { tier });
  for (const result of RESULTS) {
    page.set("mem0_backup_last_run_result", result === lastRun.result ? 1 : 0, { tier, result });
  }
  page.set("mem0_backup_last_success_timestamp_seconds", lastSuccess?.time ?? 0, { tier });
  const interval = INTERVALS[tier];
  if (interval !== undefined) page.set("mem0_backup_interval_seconds", interval, { tier });
  if (lastSuccess === undefined) return;
  page.set("mem0_backup_last_success_size_bytes", lastSuccess.bytes, { tier });
  page.set("mem0_backup_last_success_duration_seconds", lastSuccess.seconds, { tier });
  page.set("mem0_backup_last_success_memories", lastSuccess.memories, { tier });
}
