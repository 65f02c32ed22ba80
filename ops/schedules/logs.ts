import { copyFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import path from "node:path";
import { lookBelow } from "../base/below.ts";

const DAY_MS = 24 * 3600_000;

/** Logs of one run each, whose name begins with when it began. */
const DATED = /^\d{4}-\d{2}-\d{2}T[\dZ-]+-[\w-]+\.(log|out)$/;

/** Logs that somebody keeps open. */
const OPEN = /^[\w-]+\.(log|out)$/;

/** What a file of a directory of logs is. */
export interface LogFile {
  name: string;
  bytes: number;
  /** When it was last written to, ms. */
  modifiedMs: number;
}

/** What becomes of logs: those that are too old go; open ones are emptied into a dated one. */
export interface Rotation {
  remove: string[];
  /** Name of an open log, and the dated one that its content goes to. */
  empty: { name: string; into: string }[];
}

/** Decides by name and age alone; a file of another name is somebody else's, and stays. */
export function planRotation(files: readonly LogFile[], days: number, now: Date): Rotation {
  const old = now.getTime() - days * DAY_MS;
  const stamp = now.toISOString().replaceAll(/[:.]/g, "-");
  return {
    remove: files
      .filter(({ name, modifiedMs }) => DATED.test(name) && modifiedMs < old)
      .map(({ name }) => name),
    empty: files
      .filter(({ name, bytes }) => OPEN.test(name) && !DATED.test(name) && bytes > 0)
      .map(({ name }) => ({ name, into: `${stamp}-${name}` })),
  };
}

/** Rotates what a stack has below its own `log`. */
export function removeOldLogs(directory: string, days: number, now: Date): void {
  for (const part of ["backup", "schedule"]) {
    const place = path.join(directory, "log", part);
    if (lookBelow(directory, place) === undefined) continue;
    const files = readdirSync(place, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({ name, stats: statSync(path.join(place, name)) }))
      .map(({ name, stats }) => ({ name, bytes: stats.size, modifiedMs: stats.mtimeMs }));
    const { remove, empty } = planRotation(files, days, now);
    for (const name of remove) rmSync(path.join(place, name), { force: true });
    for (const { name, into } of empty) {
      // Whoever has it open goes on writing to it: it is copied and emptied.
      copyFileSync(path.join(place, name), path.join(place, `${into}.new`));
      truncateSync(path.join(place, name));
      renameSync(path.join(place, `${into}.new`), path.join(place, into));
    }
  }
}
