import path from "node:path";
import type { Manager } from "../../../config/manifest.ts";
import { ALWAYS, type DeployedSchedule, JOBS } from "../jobs.ts";
import { crontabLine } from "./crontab.ts";
import { agentLabel, renderAgent } from "./launchd.ts";
import { renderService, renderTimer, unitName } from "./systemd.ts";

/** What a host's manager is to run: one job of one stack. */
export interface Task {
  stack: string;
  job: string;
  title: string;
  /** As cron writes it, or `always`. */
  when: string;
  /** Absolute program and its arguments. */
  command: readonly string[];
  /** Where output goes that is nobody's log: what keeps a job from beginning. */
  output: string;
}

/** A job in its manager's own words: what is installed, looked for and removed. */
export interface Unit {
  manager: Manager;
  stack: string;
  job: string;
  when: string;
  /** The stack's directory, whose records of runs tell since when the unit is there. */
  directory: string;
  /** What the manager knows it by. */
  name: string;
  /** Text by file name, in the manager's directory; for cron the one line. */
  files: Record<string, string>;
}

/** Where a stack keeps its own files, and which. */
export interface Deployed {
  stack: string;
  stateHome: string;
  /** The stack's directory. */
  directory: string;
}

/** Where jobs leave what they print. */
export function outputDirectory(directory: string): string {
  return path.join(directory, "log", "schedule");
}

/** Less memory where many threads would each keep some, as `./mem0` has it. */
export const NODE_FLAGS = ["--max-semi-space-size=2", "--disable-warning=ExperimentalWarning"];

/** All units of a stack, in the words of the manager that runs them. */
export function unitsOf(deployed: Deployed, schedule: DeployedSchedule): Unit[] {
  return Object.entries(schedule.jobs).map(([job, when]) => rendered(deployed, schedule, job, when));
}

function rendered(deployed: Deployed, schedule: DeployedSchedule, job: string, when: string): Unit {
  const { stack, stateHome, directory } = deployed;
  const task: Task = {
    stack,
    job,
    title: JOBS[job]?.title ?? job,
    when,
    command: [
      schedule.node,
      ...NODE_FLAGS,
      path.join(schedule.program, "ops", "schedules", "job.ts"),
      stateHome,
      stack,
      job,
    ],
    output: path.join(outputDirectory(directory), `${job}.out`),
  };
  const unit = { manager: schedule.by, stack, job, when, directory };
  switch (schedule.by) {
    case "launchd": {
      const label = agentLabel(task);
      return { ...unit, name: label, files: { [`${label}.plist`]: renderAgent(task) } };
    }
    case "systemd": {
      const name = unitName(task);
      const timer = when === ALWAYS ? {} : { [`${name}.timer`]: renderTimer(task) };
      return {
        ...unit,
        name: `${name}.${when === ALWAYS ? "service" : "timer"}`,
        files: { [`${name}.service`]: renderService(task), ...timer },
      };
    }
    case "cron":
      return { ...unit, name: `mem0 ${stack} ${job}`, files: { crontab: crontabLine(task) } };
  }
}
