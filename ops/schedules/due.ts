import { lastRun } from "../../config/cron.ts";
import { ALWAYS } from "./jobs.ts";
import type { RunRecord } from "./record.ts";

/** What tells when a job ran: its record, as far as these decide. */
export type Ran = Pick<RunRecord, "since" | "run">;

/** A manager may start a job this much before its time, as clocks are set; ms. */
const EARLY_MS = 60_000;

/** How long a manager has to start a job before it counts as missed, ms: a Mac that wakes up, Persistent timers at boot. */
const MISSED_AFTER_MS = 5 * 60_000;

/** How often a run is begun for one time when it is cut off: a power failure is made up for, a crash each time is not. */
const TRIES = 2;

/** Whose time a run is begun for, and how often it was already. */
export interface Due {
  time: Date;
  tries: number;
}

/**
 * The time of a job that nothing was begun for yet, or nothing that came to its end; undefined when all is done. Of several
 * missed times the last alone counts: what was missed is made up for once.
 *
 * @param isRunning whether a run of the job is at work
 */
export function dueTime(
  when: string,
  { since, run }: Ran,
  { now, isRunning, zone }: { now: Date; isRunning: boolean; zone?: string },
): Due | undefined {
  if (when === ALWAYS || isRunning) return undefined;
  const time = lastRun(when, new Date(now.getTime() + EARLY_MS), zone);
  if (time === undefined || time.getTime() < Date.parse(since)) return undefined;
  const begun = run === undefined ? undefined : Date.parse(run.begun);
  // A run of a later time than now: the clock was wrong then.
  const isServed =
    begun !== undefined && begun >= time.getTime() - EARLY_MS && begun <= now.getTime() + EARLY_MS;
  if (!isServed) return { time, tries: 0 };
  const cutOff = run?.ended === undefined;
  return cutOff && (run?.tries ?? 1) < TRIES ? { time, tries: run?.tries ?? 1 } : undefined;
}

/** The time of a job that its manager has let pass. */
export function missedTime(
  when: string,
  ran: Ran,
  at: { now: Date; isRunning: boolean; zone?: string },
): Due | undefined {
  const due = dueTime(when, ran, at);
  return due !== undefined && at.now.getTime() - due.time.getTime() >= MISSED_AFTER_MS ? due : undefined;
}
