import { type CronFields, cronFields } from "../../../config/cron.ts";
import { ALWAYS } from "../jobs.ts";
import type { Task } from "./unit.ts";

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** How long systemd waits before it starts again what is to run always, s. */
const RESTART_SECONDS = 30;

export function unitName({ stack, job }: Pick<Task, "stack" | "job">): string {
  return `mem0-${stack}-${job}`;
}

/** The service that a timer starts, or that runs always. */
export function renderService(task: Task): string {
  const always = task.when === ALWAYS;
  return `${[
    "[Unit]",
    `Description=mem0, stack ${task.stack}: ${task.title}`,
    "",
    "[Service]",
    `Type=${always ? "exec" : "oneshot"}`,
    `ExecStart=${task.command.map(quoted).join(" ")}`,
    "Environment=MALLOC_ARENA_MAX=2",
    ...(always ? ["Restart=always", `RestartSec=${RESTART_SECONDS}`] : ["TimeoutStartSec=infinity"]),
    "Nice=5",
    "UMask=0077",
    ...(always ? ["", "[Install]", "WantedBy=default.target"] : []),
  ].join("\n")}\n`;
}

/** The timer of a job. One that was due while the machine was off starts it once. */
export function renderTimer(task: Task): string {
  return `${[
    "[Unit]",
    `Description=mem0, stack ${task.stack}: ${task.title}`,
    "",
    "[Timer]",
    ...calendarOf(cronFields(task.when)).map((time) => `OnCalendar=${time}`),
    "Persistent=true",
    "AccuracySec=1s",
    "",
    "[Install]",
    "WantedBy=timers.target",
  ].join("\n")}\n`;
}

/** Two lines where days and weekdays are given: either is enough. */
function calendarOf({ minutes, hours, days, months, weekdays }: CronFields): string[] {
  const list = (values: number[], all: number) =>
    values.length === all ? "*" : values.map((value) => String(value).padStart(2, "0")).join(",");
  const time = `${list(hours, 24)}:${list(minutes, 60)}:00`;
  const date = (inMonth: number[] | undefined) =>
    `*-${list(months ?? [], 0)}-${inMonth === undefined ? "*" : list(inMonth, 31)}`;
  const named = (weekdays ?? []).map((day) => WEEKDAYS[day]).join(",");
  if (weekdays === undefined) return [`${date(days)} ${time}`];
  return [`${named} ${date(undefined)} ${time}`, ...(days === undefined ? [] : [`${date(days)} ${time}`])];
}

/** A word that systemd takes as it is: it fills in `%`, `$` and escapes by itself. */
function quoted(word: string): string {
  return `"${word.replaceAll(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}
