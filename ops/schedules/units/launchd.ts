import { build } from "plist";
import { type CronFields, cronFields } from "../../../config/cron.ts";
import { ALWAYS } from "../jobs.ts";
import type { Task } from "./unit.ts";

/** How long launchd waits before it starts a job again that ended, s; its own shortest is 10. */
const THROTTLE_SECONDS = 30;

/** Times of an agent, each a set of values that have to fit all. */
type Interval = Partial<Record<"Minute" | "Hour" | "Day" | "Month" | "Weekday", number>>;

export function agentLabel({ stack, job }: Pick<Task, "stack" | "job">): string {
  return `com.mem0.${stack}.${job}`;
}

/** The property list of a launchd agent. */
export function renderAgent(task: Task): string {
  const times =
    task.when === ALWAYS
      ? { KeepAlive: true, RunAtLoad: true, ThrottleInterval: THROTTLE_SECONDS }
      : { StartCalendarInterval: intervals(cronFields(task.when)) };
  return `${build({
    Label: agentLabel(task),
    ProgramArguments: [...task.command],
    EnvironmentVariables: { MALLOC_ARENA_MAX: "2" },
    ...times,
    // After a log-in: what was missed while nobody was logged in.
    ...(task.job === "missed" ? { RunAtLoad: true } : {}),
    ProcessType: "Background",
    LowPriorityIO: true,
    StandardOutPath: task.output,
    StandardErrorPath: task.output,
  })}\n`;
}

/** launchd knows single values only: one interval for each time. Days and weekdays stand apart, as either is enough. */
function intervals({ minutes, hours, days, months, weekdays }: CronFields): Interval[] {
  const everyHour = hours.length === 24;
  const times: Interval[] = minutes.flatMap((Minute) =>
    everyHour ? [{ Minute }] : hours.map((Hour) => ({ Minute, Hour })),
  );
  const dated: Interval[] = [
    ...(days ?? []).map((Day) => ({ Day })),
    ...(weekdays ?? []).map((Weekday) => ({ Weekday })),
  ];
  const inMonths: Interval[] = months === undefined ? [{}] : months.map((Month) => ({ Month }));
  return inMonths.flatMap((month) =>
    (dated.length === 0 ? [{}] : dated).flatMap((day) =>
      times.map((time) => ({ ...time, ...day, ...month })),
    ),
  );
}
