import { backupAge, equal, type Select } from "../promql.ts";
import { type Alert, DAY, HOUR, MINUTE, type Thresholds } from "./alert.ts";

/** Whether backups are made, and come back. */
export function backups(of: Select, { backupRuns, drillDays }: Thresholds): Alert[] {
  const subject = { group: "backups", section: "backups-and-the-restore-drill" } as const;
  const ended = (result: string) => of("mem0_backup_last_run_result", equal("result", result));
  /** What is 1 when it is wrong, and what is 0. */
  const wrong = { ...subject, comparison: ">", threshold: 0, also: [], unit: "state", holds: 0 } as const;
  const missed = { ...subject, comparison: "<", threshold: 1, also: [], unit: "state", holds: 0 } as const;
  return [
    {
      ...subject,
      name: "Mem0BackupOverdue",
      // A tier without any good one has failed: that is another alert.
      value: backupAge(of),
      comparison: ">",
      threshold: backupRuns,
      also: [],
      unit: "count",
      holds: 10 * MINUTE,
      severity: "critical",
      summary: "A backup is overdue",
      description: `The last good {tier} backup is {value} runs old; the limit of this alert is ${backupRuns}.`,
    },
    {
      ...wrong,
      name: "Mem0BackupFailed",
      value: ended("failed"),
      severity: "critical",
      summary: "The last backup failed",
      description: "The last {tier} backup failed (value {value}).",
    },
    {
      ...wrong,
      name: "Mem0BackupSuspect",
      value: ended("suspect"),
      severity: "critical",
      summary: "The last backup holds less than it should",
      description:
        "The last {tier} backup is kept apart as suspect (value {value}); nothing is pruned until a person has looked.",
    },
    {
      ...missed,
      name: "Mem0BackupCopyFailed",
      value: of("mem0_backup_copy_success"),
      severity: "warning",
      summary: "The last backup was not copied elsewhere",
      description:
        "mem0_backup_copy_success is {value}: the last backup that was to be copied is on this machine alone.",
    },
    {
      ...wrong,
      name: "Mem0BackupMissing",
      // There were memories two days ago already, and no backup has been tried since.
      value: `min by (stack) (min_over_time(${of("mem0_memories_total")}[1h] offset 2d)) unless on (stack) max by (stack) (last_over_time(${of("mem0_backup_last_run_timestamp_seconds")}[2d]))`,
      unit: "count",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "No backup is made",
      description:
        "There were {value} memories two days ago, and no backup is known to have been tried since.",
    },
    {
      ...subject,
      name: "Mem0RestoreDrillOverdue",
      value: `time() - ${of("mem0_restore_drill_timestamp_seconds")}`,
      comparison: ">",
      threshold: drillDays * DAY,
      also: [],
      unit: "seconds",
      holds: HOUR,
      severity: "warning",
      summary: "The last restore drill is long ago",
      description: `The last restore drill was {value} ago; the limit of this alert is ${drillDays} days.`,
    },
    {
      ...missed,
      name: "Mem0RestoreDrillFailed",
      value: of("mem0_restore_drill_success"),
      severity: "critical",
      summary: "The last restore drill failed",
      description: "mem0_restore_drill_success is {value}: the drill did not bring the backup back.",
    },
  ];
}
