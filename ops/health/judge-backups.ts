import prettyMs from "pretty-ms";
import type { BackupStatus, TierStatus } from "../backup/status-file.ts";
import type { HealthFacts, HealthSettings } from "./facts.ts";
import type { HealthCheck } from "./health-check.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Time between two backups of a tier; a month is taken at its longest. */
const INTERVALS: Record<string, number> = { hourly: HOUR, daily: DAY, weekly: 7 * DAY, monthly: 31 * DAY };

/** How long a new stack may be without any backup. */
const FIRST_BACKUP_MS = 2 * DAY;

/** Judges how backups, drill and copies went, and whether a stolen disk would tell what they hold. */
export function judgeBackups(facts: HealthFacts, settings: HealthSettings): HealthCheck[] {
  const { backups, now } = facts;
  if (backups === undefined) return [];
  const tiers = Object.entries(backups.tiers).flatMap(([tier, status]) =>
    tierChecks(tier, status, now, settings),
  );
  return [
    ...(tiers.length === 0 ? [firstBackup(facts, settings)] : tiers),
    ...drill(backups, now, settings),
    ...copy(backups, settings),
    encryption(facts, settings),
  ];
}

function tierChecks(tier: string, status: TierStatus, now: number, settings: HealthSettings): HealthCheck[] {
  const mend = `./mem0 backup ${settings.stack}`;
  const checks: HealthCheck[] = [];
  const { lastRun, lastSuccess } = status;
  if (lastRun.result !== "ok") {
    const why =
      lastRun.reason ?? (lastRun.result === "suspect" ? "it looks wrong beside the last good one" : "");
    const found = `the last run (${lastRun.time}) ${lastRun.result === "suspect" ? "is suspect" : "failed"}: ${why}`;
    const how = lastRun.result === "suspect" ? `./mem0 backups ${settings.stack}` : mend;
    checks.push({ name: `${tier} backup`, type: "backup_failed", ok: false, found, mend: how });
  }
  const age = lastSuccess === undefined ? undefined : now - Date.parse(lastSuccess.time);
  const longest = (INTERVALS[tier] ?? DAY) * settings.backupRuns;
  const [name, type] = [`age of ${tier} backups`, "backup_overdue"];
  if (age === undefined) checks.push({ name, type, ok: false, found: "there is no good one", mend });
  else if (age > longest) {
    const found = `the last good one is ${duration(age)} old; at most: ${duration(longest)}`;
    checks.push({ name, type, ok: false, found, mend });
  } else checks.push({ name, type, ok: true, found: `the last good one is ${duration(age)} old` });
  return checks;
}

/** Before the first run only the age of the data tells whether one was due. */
function firstBackup({ postgres, now }: HealthFacts, { stack }: HealthSettings): HealthCheck {
  const [name, type] = ["age of backups", "backup_overdue"];
  const since = "value" in postgres.identity ? postgres.identity.value.since : undefined;
  if (since === undefined || now - since < FIRST_BACKUP_MS) {
    return { name, type, ok: true, found: "none yet; the stack is new" };
  }
  const found = `the data is ${duration(now - since)} old, and no backup was ever made`;
  return { name, type, ok: false, found, mend: `./mem0 backup ${stack}` };
}

function drill({ drill }: BackupStatus, now: number, { drillDays, stack }: HealthSettings): HealthCheck[] {
  if (drill === undefined) return [];
  const name = "restore drill";
  const mend = `./mem0 drill --stack ${stack}`;
  if (drill.result === "failed") {
    const found = `the drill of ${drill.time} failed`;
    return [
      { name, type: "drill_failed", ok: false, found, mend: `${mend}; its report is under backup/drills` },
    ];
  }
  const age = now - Date.parse(drill.time);
  const type = "drill_overdue";
  const found = `the last one is ${duration(age)} old`;
  if (age <= drillDays * DAY) return [{ name, type, ok: true, found }];
  return [{ name, type, ok: false, found: `${found}; at most: ${drillDays} days`, mend }];
}

function copy({ copy }: BackupStatus, { stack }: HealthSettings): HealthCheck[] {
  if (copy === undefined) return [];
  const [name, type] = ["copy elsewhere", "backup_copy_failed"];
  if (copy.result === "ok") return [{ name, type, ok: true, found: `made ${copy.time}` }];
  const found = `the copy of ${copy.time} failed${copy.reason === undefined ? "" : `: ${copy.reason}`}`;
  return [{ name, type, ok: false, found, mend: `./mem0 backup ${stack} copies what is missing too` }];
}

/** A note and no failure: whether a disk must be encrypted is its owner's to say. */
function encryption({ diskEncrypted }: HealthFacts, { recipients, backupRoot }: HealthSettings): HealthCheck {
  const check = { name: "encryption of backups", type: "backup_unencrypted", ok: true };
  if (recipients) return { ...check, found: "backups are encrypted" };
  if (diskEncrypted === true)
    return { ...check, found: `the disk of ${backupRoot ?? "the backups"} is encrypted` };
  const found =
    diskEncrypted === false
      ? "neither backups nor their disk are"
      : "backups are not; of their disk nobody can tell";
  return { ...check, found, mend: "set mem0:backup.recipients, or encrypt the disk (FileVault, LUKS)" };
}

function duration(ms: number): string {
  return prettyMs(ms, { compact: true, verbose: true });
}
