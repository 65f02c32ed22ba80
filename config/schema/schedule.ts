import { z } from "zod";
import { hostPath } from "./kinds.ts";

/** Jobs with a time, by name, with when they run unless told otherwise, and what they do. */
const JOBS = {
  backup: ["30 2 * * *", "Backup of tier daily, with the weekly and monthly ones that come of it."],
  hourly: ["5 * * * *", "Backup of tier hourly."],
  health: ["*/5 * * * *", "All parts of the stack are looked at, and what is wrong or well again is told."],
  verify: ["30 4 * * 0", "All backups are read and compared with what was written."],
  drill: ["30 5 1 * *", "The newest good backup is restored beside the stack, and removed again."],
  logs: ["50 3 * * *", "Old logs of the stack's own are removed."],
  missed: ["*/10 * * * *", "Whatever was missed while the machine was off or asleep is made up for, once."],
} as const;

export type JobName = keyof typeof JOBS;

export const JOB_NAMES = Object.keys(JOBS) as JobName[];

const job = ([fallback, description]: readonly [string, string]) =>
  z
    .string()
    .min(1)
    .max(200)
    .default(fallback)
    .meta({ description: `${description} When, as cron writes it, in this machine's time; or \`off\`.` });

export const schedule = z
  .strictObject({
    by: z
      .enum(["auto", "launchd", "systemd", "cron", "off"])
      .optional()
      .meta({
        description:
          "Who runs the stack's jobs on this host. `auto`: launchd on a Mac; on Linux timers of the user's own systemd where it " +
          "runs without a login (`loginctl enable-linger`), else the user's crontab. Left out: nobody, and `up` says so.",
      }),
    jobs: z
      .strictObject({
        backup: job(JOBS.backup),
        hourly: job(JOBS.hourly),
        health: job(JOBS.health),
        verify: job(JOBS.verify),
        drill: job(JOBS.drill),
        logs: job(JOBS.logs),
        missed: job(JOBS.missed),
      })
      .prefault({})
      .meta({
        description: "When each job runs. Those that work on backups take turns: no two in one minute.",
      }),
    identity: hostPath.optional().meta({
      description:
        "File of an age identity with which the drill opens encrypted backups. Without it there is no drill of encrypted ones.",
      examples: ["/Volumes/Keys/mem0.txt"],
    }),
    logDays: z.int().min(1).max(3650).default(7).meta({ description: "Days that logs are kept." }),
  })
  .meta({ description: "What runs by itself, and when." });
