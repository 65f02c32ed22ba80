import type { Settings } from "../../config/settings.ts";

export type Thresholds = Settings["observability"]["alerts"] & Pick<Settings["backup"], "maxDropShare">;

export interface AlertOptions {
  stack: string;
  /** Name of the scrape job. */
  job: string;
  thresholds: Thresholds;
  /** Whether there is a Telegram bot that the exporter tells of. */
  bot: boolean;
  /** Where docs/runbook.md can be read; an alert's anchor is appended. */
  runbook: string;
}

/** One alert, as plain data from which every alerting system's rule is made. */
export interface Alert {
  name: string;
  group: "availability" | "traffic" | "resources" | "data" | "backups" | "telegram" | "watching";
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
  /**
   * `{value}` stands for the value, any other `{name}` for that label. True whenever the alert can be raised: two
   * minutes after the first scrape too, when there is no hour or day to look back on.
   */
  description: string;
  /** Anchor of a section of docs/runbook.md. */
  section: string;
}

/** Seconds. */
export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export function percent(share: number): string {
  return `${rounded(share * 100)} %`;
}

/** 1 - 0.99 is not quite 0.01 for a computer. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
