import { nextRun } from "../../config/cron.ts";
import type { Check } from "../base/check.ts";
import { Problem } from "../base/problem.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { dueTime } from "./due.ts";
import { ALWAYS, JOBS } from "./jobs.ts";
import { managerOf, type Owner, thisOwner } from "./managers.ts";
import { isAtWork, type RunRecord, readRecord } from "./record.ts";
import { unitsOf } from "./units/unit.ts";

/** How late a job may be before that is told: managers and `missed` have their turn first; ms. */
const LATE_MS = 30 * 60_000;

/** A job as it stands on this host. */
export interface JobState {
  job: string;
  title: string;
  /** As cron writes it, or `always`. */
  when: string;
  /** What the manager knows its unit by. */
  unit: string;
  /** What is wrong with the unit; undefined when it is loaded as it should be. */
  unitFault: string | undefined;
  atWork: boolean;
  /** ISO times. */
  next: string | undefined;
  /** The time that nothing was begun for, or that was cut off, when that is longer ago than a manager takes. */
  overdue: string | undefined;
  record: RunRecord | undefined;
}

/** What runs by itself of a stack, job by job; nothing where the stack's settings want nothing. */
export async function jobStates(
  stack: DeployedStack,
  now: Date,
  owner: Owner = thisOwner(),
): Promise<JobState[]> {
  const { schedule } = stack.manifest;
  if (schedule === undefined) return [];
  const manager = managerOf(schedule.by, owner);
  const { name, directory, stateHome } = stack;
  return Promise.all(
    unitsOf({ stack: name, stateHome, directory }, schedule).map(async (unit) => {
      const { job, when } = unit;
      const record = readRecord(directory, job);
      const atWork = isAtWork(directory, job);
      return {
        job,
        title: JOBS[job]?.title ?? job,
        when,
        unit: unit.name,
        unitFault: await manager.fault(unit).catch(reasonOf),
        atWork,
        next: when === ALWAYS ? undefined : nextRun(when, now).toISOString(),
        overdue: overdue(when, record, { now, isRunning: atWork })?.toISOString(),
        record,
      };
    }),
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Problem ? error.message : String(error);
}

/** The time that a job should have run at and did not, some while ago. */
function overdue(
  when: string,
  record: RunRecord | undefined,
  at: { now: Date; isRunning: boolean; zone?: string },
): Date | undefined {
  if (record === undefined || when === ALWAYS) return undefined;
  const due = dueTime(when, record, at)?.time;
  return due !== undefined && at.now.getTime() - due.getTime() > LATE_MS ? due : undefined;
}

/**
 * What health and alerts are to know of a stack's jobs: that each unit is loaded, has run in time, and went well the last
 * time.
 */
export function jobChecks(stack: string, states: readonly JobState[]): Check[] {
  return states.map((state) => {
    const { job, record, unitFault, overdue: due, atWork, when } = state;
    const name = `schedule ${job}`;
    if (unitFault !== undefined) return { name, ok: false, found: unitFault, mend: `./mem0 up ${stack}` };
    if (due !== undefined) {
      const found = `was to run at ${due}, and did not`;
      return { name, ok: false, found, mend: `./mem0 schedule ${stack}` };
    }
    if (when === ALWAYS && !atWork) {
      return { name, ok: false, found: "does not run", mend: `./mem0 schedule ${stack}` };
    }
    const run = record?.run;
    if (run?.exit !== undefined && run.exit !== 0 && JOBS[job]?.judges !== true) {
      const found = `failed at ${run.begun}: ${run.reason ?? `exit code ${run.exit}`}`;
      return { name, ok: false, found, mend: `read ${run.log}` };
    }
    if (atWork) return { name, ok: true, found: "at work" };
    return { name, ok: true, found: run === undefined ? "has not run yet" : `ran at ${run.begun}` };
  });
}
