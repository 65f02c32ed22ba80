import path from "node:path";
import { z } from "zod";
import { readBelow } from "../base/below.ts";
import { isHolderAlive, readHolder } from "../base/process-lock.ts";
import { writeBelow } from "../base/write-below.ts";

const time = z.iso.datetime();

const recordSchema = z.object({
  version: z.literal(1),
  /** When the job's unit was installed, or got another time: what was due before is nobody's omission. */
  since: time,
  when: z.string(),
  run: z
    .object({
      begun: time,
      /** Absent while it runs, and for good when it was cut off. */
      ended: time.optional(),
      /** Exit code of what was run. */
      exit: z.int().optional(),
      /** What went wrong, for people. */
      reason: z.string().optional(),
      /** By its time, or made up for later. */
      cause: z.enum(["time", "missed"]),
      /** How often it was begun for one time. */
      tries: z.int(),
      log: z.string(),
    })
    .optional(),
  /** When the last run that went well began. */
  lastGood: time.optional(),
});

/** How a job of a stack went. */
export type RunRecord = z.output<typeof recordSchema>;

const fileOf = (directory: string, job: string) => path.join(directory, "schedule", `${job}.json`);

/** The lock that a run of a job holds. */
export const lockOf = (directory: string, job: string) => path.join(directory, "schedule", `${job}.lock`);

/** Whether a run of the job is at work. */
export function isAtWork(directory: string, job: string): boolean {
  const holder = readHolder(lockOf(directory, job));
  return holder !== undefined && isHolderAlive(holder);
}

/** A job's record; undefined before its unit was installed, and in place of a damaged file. */
export function readRecord(directory: string, job: string): RunRecord | undefined {
  const text = readBelow(directory, fileOf(directory, job));
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function writeRecord(directory: string, job: string, record: RunRecord): void {
  writeBelow(directory, fileOf(directory, job), `${JSON.stringify(recordSchema.parse(record), null, 2)}\n`);
}

/** Notes that a job's unit is there from now on; one that was there with the same time goes on. */
export function noteInstalled(directory: string, job: string, when: string, now: Date): void {
  const record = readRecord(directory, job);
  if (record?.when === when) return;
  writeRecord(directory, job, { ...record, version: 1, since: now.toISOString(), when });
}

/** Notes that a job's unit is taken away: until it is there again, nothing is due. */
export function noteRemoved(directory: string, job: string): void {
  const record = readRecord(directory, job);
  if (record !== undefined) writeRecord(directory, job, { ...record, when: "" });
}
