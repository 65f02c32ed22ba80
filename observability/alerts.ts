import type { Settings } from "../config/settings.ts";
import { answerTime, errorShare, memoriesInLastBackup, type Select, selector, TRAFFIC } from "./promql.ts";

export type Thresholds = Settings["observability"]["alerts"] & Pick<Settings["backup"], "maxDropShare">;

export interface AlertOptions {
  stack: string;
  /** Name of the scrape job. */
  job: string;
  thresholds: Thresholds;
  /** Where docs/runbook.md can be read; an alert's anchor is appended. */
  runbook: string;
}

/** The runbook is read where the exporter serves it. */
export function alertOptions({
  stack,
  ports,
  observability,
  backup: { maxDropShare },
}: Pick<Settings, "stack" | "ports" | "observability"> & { backup: { maxDropShare: number } }): AlertOptions {
  return {
    stack,
    job: observability.prometheus.job,
    thresholds: { ...observability.alerts, maxDropShare },
    runbook: `http://127.0.0.1:${ports.exporter}/runbook`,
  };
}

/** One alert, as plain data from which every alerting system's rule is made. */
export interface Alert {
  name: string;
  group: "availability" | "traffic" | "resources" | "data" | "backups" | "watching";
  /** PromQL of what is measured; one value per thing that can be wrong on its own. */
  value: string;
  comparison: ">" | "<";
  threshold: number;
  /** PromQL of what has to hold besides, with the same labels as `value`. */
  also: readonly string[];
  /** What `value` counts; a state is 1 or 0. */
  unit: "seconds" | "bytes" | "share" | "count" | "state";
  /** How long it has to hold, seconds. */
  holds: number;
  /** critical: memories cannot be used or may be lost. warning: they will be. none: all is well. */
  severity: "critical" | "warning" | "none";
  summary: string;
  /** `{value}` stands for the value, any other `{name}` for that label. */
  description: string;
  /** Anchor of a section of docs/runbook.md. */
  section: string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GIGABYTE = 1e9;

/** All alerts of a stack: the one statement of what is wrong with it. */
export function alertsOf({ stack, job, thresholds }: AlertOptions): Alert[] {
  const of = selector(`job="${job}"`, `stack="${stack}"`);
  return [
    ...availability(of),
    ...traffic(of, thresholds),
    ...resources(of, thresholds),
    ...data(of, thresholds),
    ...backups(of, thresholds),
    ...watching(job, stack, of),
  ];
}

function availability(of: Select): Alert[] {
  /** What is 0 when it is down; a deployment or a crash is over within two minutes. */
  const down = { comparison: "<", threshold: 1, also: [], unit: "state", holds: 2 * MINUTE } as const;
  const group = "availability";
  return [
    {
      ...down,
      name: "Mem0ServerDown",
      group,
      value: of("mem0_service_up"),
      severity: "critical",
      summary: "The memory server does not answer",
      description: "mem0_service_up is {value}: nothing can be remembered or recalled.",
      section: "the-server-is-down",
    },
    {
      ...down,
      name: "Mem0ServerNotReady",
      group,
      value: of("mem0_service_ready"),
      holds: 5 * MINUTE,
      severity: "critical",
      summary: "The memory server answers, but cannot use its stores",
      description: "mem0_service_ready is {value}: a store is away or holds other data.",
      section: "the-server-is-down",
    },
    {
      ...down,
      name: "Mem0PostgresDown",
      group,
      value: of("mem0_postgres_up"),
      severity: "critical",
      summary: "PostgreSQL does not answer",
      description: "mem0_postgres_up is {value}: memories can be neither read nor written.",
      section: "postgresql-is-down",
    },
    {
      ...down,
      name: "Mem0Neo4jDown",
      group,
      value: of("mem0_neo4j_up"),
      severity: "critical",
      summary: "Neo4j does not answer",
      description: "mem0_neo4j_up is {value}: the graph can be neither read nor written.",
      section: "neo4j-is-down",
    },
  ];
}

/**
 * Windows and factors of the SRE workbook for an objective over 30 days: at 14.4 times the allowed rate of errors 2 %
 * of the month's budget goes in an hour, at 6 times 5 % in six. The short window ends the alert soon after the errors.
 */
const BURNS = [
  { name: "Fast", factor: 14.4, long: "1h", short: "5m", holds: 2 * MINUTE, severity: "critical" },
  { name: "Slow", factor: 6, long: "6h", short: "30m", holds: 15 * MINUTE, severity: "warning" },
] as const;

function traffic(of: Select, thresholds: Thresholds): Alert[] {
  const { availability, minimumRequests, readSeconds, writeSeconds } = thresholds;
  const burns = BURNS.map(({ name, factor, long, short, holds, severity }): Alert => {
    const threshold = rounded(factor * (1 - availability));
    const requests = `sum by (stack) (increase(${of("mem0_api_requests_total", TRAFFIC)}[${long}]))`;
    return {
      name: `Mem0ErrorBudgetBurn${name}`,
      group: "traffic",
      value: errorShare(of, long, "stack"),
      comparison: ">",
      threshold,
      also: [`${errorShare(of, short, "stack")} > ${threshold}`, `${requests} >= ${minimumRequests}`],
      unit: "share",
      holds,
      severity,
      summary: "The memory server fails to answer too many requests",
      description: `{value} of the requests of the last ${long} ended in an error of the server (5xx): ${factor} times what an objective of ${percent(availability)} allows is ${percent(threshold)}.`,
      section: "requests-fail",
    };
  });
  const slow = (kind: "read" | "write", threshold: number): Alert => ({
    name: kind === "read" ? "Mem0ReadsSlow" : "Mem0WritesSlow",
    group: "traffic",
    value: answerTime(of, 0.95, `kind="${kind}"`, "5m", "stack"),
    comparison: ">",
    threshold,
    also: [],
    unit: "seconds",
    holds: 10 * MINUTE,
    severity: "warning",
    summary: `${kind === "read" ? "Reads" : "Writes"} are slow`,
    description: `One ${kind} in twenty takes longer than {value}; the goal is ${threshold} s.`,
    section: "answers-are-slow",
  });
  return [...burns, slow("read", readSeconds), slow("write", writeSeconds)];
}

function resources(of: Select, { connections, diskFreeGb, diskFullDays }: Thresholds): Alert[] {
  const free = of("mem0_disk_free_bytes");
  return [
    {
      name: "Mem0ConnectionsRunOut",
      group: "resources",
      value: `${of("mem0_database_connections")} / ${of("mem0_database_connections_max")}`,
      comparison: ">",
      threshold: connections,
      also: [],
      unit: "share",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "PostgreSQL runs out of connections",
      description: `{value} of the connections that PostgreSQL allows are taken; the limit of this alert is ${percent(connections)}.`,
      section: "connections-run-out",
    },
    {
      name: "Mem0DiskSpaceLow",
      group: "resources",
      value: free,
      comparison: "<",
      threshold: diskFreeGb * GIGABYTE,
      also: [],
      unit: "bytes",
      holds: 5 * MINUTE,
      severity: "critical",
      summary: "Little disk space is left",
      description: `{value} are free on the disk of {place}; the limit of this alert is ${diskFreeGb} GB.`,
      section: "the-disk-fills-up",
    },
    {
      name: "Mem0DiskFillsUp",
      group: "resources",
      // The trend of six hours, as the mixin of the node exporter takes it.
      value: `${free} / (-deriv(${free}[6h]) > 0)`,
      comparison: "<",
      threshold: diskFullDays * DAY,
      // On a disk that is mostly empty, six busy hours are no trend.
      also: [`${free} / ${of("mem0_disk_size_bytes")} < 0.4`],
      unit: "seconds",
      holds: HOUR,
      severity: "warning",
      summary: `A disk will be full within ${diskFullDays} days`,
      description: "As it went in the last six hours, the disk of {place} is full in {value}.",
      section: "the-disk-fills-up",
    },
  ];
}

function data(of: Select, { maxDropShare }: Thresholds): Alert[] {
  return [
    {
      name: "Mem0IdentityMismatch",
      group: "data",
      value: of("mem0_identity_match"),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: MINUTE,
      severity: "critical",
      summary: "A store holds data that is not this stack's",
      description: "mem0_identity_match of {store} is {value}: it is empty, or another stack's.",
      section: "a-store-holds-other-data",
    },
    {
      name: "Mem0MemoriesDropped",
      group: "data",
      value: `1 - max by (stack) (${of("mem0_memories_total")}) / ${memoriesInLastBackup(of, "stack")}`,
      comparison: ">",
      threshold: maxDropShare,
      also: [],
      unit: "share",
      holds: 5 * MINUTE,
      severity: "critical",
      summary: "Many memories are gone since the last good backup",
      description: `{value} fewer memories than in the last good backup; the limit of this alert is ${percent(maxDropShare)}.`,
      section: "memories-are-missing",
    },
  ];
}

function backups(of: Select, { backupRuns, drillDays }: Thresholds): Alert[] {
  const section = "backups-and-the-restore-drill";
  const group = "backups";
  const good = of("mem0_backup_last_success_timestamp_seconds");
  const ended = (result: string) => of("mem0_backup_last_run_result", `result="${result}"`);
  /** What is 1 when it is wrong. */
  const wrong = { comparison: ">", threshold: 0, also: [], unit: "state", holds: 0, group, section } as const;
  return [
    {
      name: "Mem0BackupOverdue",
      group,
      // A tier without any good one has failed: that is another alert.
      value: `(time() - (${good} > 0)) / ${of("mem0_backup_interval_seconds")}`,
      comparison: ">",
      threshold: backupRuns,
      also: [],
      unit: "count",
      holds: 10 * MINUTE,
      severity: "critical",
      summary: "A backup is overdue",
      description: "The last good {tier} backup is {value} runs old.",
      section,
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
      name: "Mem0BackupCopyFailed",
      group,
      value: of("mem0_backup_copy_success"),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 0,
      severity: "warning",
      summary: "The last backup was not copied elsewhere",
      description:
        "mem0_backup_copy_success is {value}: the backup itself is good, and lies on this machine's disk alone.",
      section,
    },
    {
      ...wrong,
      name: "Mem0BackupMissing",
      // There were memories two days ago already, and no backup has been tried since.
      value: `min by (stack) (min_over_time(${of("mem0_memories_total")}[1h] offset 2d)) unless on (stack) max by (stack) (last_over_time(${of("mem0_backup_last_run_timestamp_seconds")}[2d]))`,
      unit: "count",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "There is no backup",
      description: "{value} memories two days ago, and no backup has been tried.",
    },
    {
      name: "Mem0RestoreDrillOverdue",
      group,
      value: `time() - ${of("mem0_restore_drill_timestamp_seconds")}`,
      comparison: ">",
      threshold: drillDays * DAY,
      also: [],
      unit: "seconds",
      holds: HOUR,
      severity: "warning",
      summary: "A restore has not been tried for long",
      description: `The last restore drill was {value} ago; the limit of this alert is ${drillDays} days.`,
      section,
    },
    {
      name: "Mem0RestoreDrillFailed",
      group,
      value: of("mem0_restore_drill_success"),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 0,
      severity: "critical",
      summary: "The last restore drill failed",
      description: "mem0_restore_drill_success is {value}: the backup could not be restored.",
      section,
    },
  ];
}

function watching(job: string, stack: string, of: Select): Alert[] {
  const group = "watching";
  return [
    {
      name: "Mem0ExporterGone",
      group,
      value: `absent(up{job="${job}",stack="${stack}"} == 1)`,
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "state",
      holds: 2 * MINUTE,
      severity: "critical",
      summary: "Nobody knows how the stack is",
      description: `No exporter of job ${job} answers (value {value}): none of the other alerts can be raised.`,
      section: "the-exporter-is-gone",
    },
    {
      name: "Mem0WatchIncomplete",
      group,
      value: of("mem0_exporter_part_up", 'part=~"backups|disk"'),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "The exporter cannot read a part of the stack",
      description: "mem0_exporter_part_up of {part} is {value}: alerts about it cannot be raised.",
      section: "the-exporter-is-gone",
    },
    {
      name: "Mem0Watchdog",
      group,
      value: "vector(1)",
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "state",
      holds: 0,
      severity: "none",
      summary: "Alerting works",
      description: "Fires always (value {value}): when it stops, no alert arrives any more.",
      section: "the-watchdog",
    },
  ];
}

function percent(share: number): string {
  return `${rounded(share * 100)} %`;
}

/** 1 - 0.99 is not quite 0.01 for a computer. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
