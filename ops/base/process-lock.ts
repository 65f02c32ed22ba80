// Runs before the packages are there: imports nothing but Node itself.
import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { makeAppear } from "./appear.ts";
import { readBelow } from "./below.ts";
import { Problem } from "./problem.ts";
import { processTable } from "./process-table.ts";

/** Who holds a lock. */
export interface Holder {
  pid: number;
  /** When the process started, as the system tells it: a number that is used again names another process. */
  born: string;
  /** Name of the host, for people. */
  host: string;
  /** Names the machine whatever its host name is; absent where nothing tells, and in locks of earlier versions. */
  machine?: string;
  /** When it took the lock, ISO 8601. */
  since: string;
}

/**
 * Takes `file` as a lock, also from a holder that is dead.
 *
 * @returns the living holder who has it; nothing when it is ours now
 */
export function acquireLock(file: string, table = processTable()): Holder | undefined {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  for (;;) {
    if (makeAppear(file, JSON.stringify(thisProcess(table)))) return undefined;
    const holder = readHolder(file);
    if (holder === undefined) continue;
    if (isHolderAlive(holder, table)) return holder;
    if (!breakLock(file, holder)) return holder;
  }
}

/** Gives up a lock that this process holds. */
export function releaseLock(file: string): void {
  rmSync(file, { force: true });
}

/** This process, as the holder of something. */
export function thisProcess({ machine, bornAt } = processTable()): Holder {
  return {
    pid: process.pid,
    born: bornAt(process.pid)?.id ?? "",
    host: os.hostname(),
    ...(machine === undefined ? {} : { machine }),
    since: new Date().toISOString(),
  };
}

/** A process of another machine cannot be looked at and counts as alive. */
export function isHolderAlive({ pid, born, host, machine }: Holder, table = processTable()): boolean {
  const isHere = host === os.hostname() || (machine !== undefined && machine === table.machine);
  if (!isHere) return true;
  if (!isRunning(pid)) return false;
  const now = table.bornAt(pid)?.id;
  return now === undefined || born === "" || now === born;
}

/** Whether this machine has a process of that number, whoever's it is. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Who a holder is, for people. */
export function describeHolder({ pid, host, since }: Holder): string {
  return `process ${pid} on ${host}${since === "" ? "" : `, since ${since}`}`;
}

/** What a lock's text says; by hand, for no package is there yet when the first lock is taken. */
function parseHolder(text: string): Holder {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw new Error("no object");
  const { pid, born, host, machine, since } = found as Record<string, unknown>;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1)
    throw new Error("no number of a process");
  const textOf = (value: unknown, otherwise: string): string => {
    if (value !== undefined && typeof value !== "string") throw new Error("no text");
    return value ?? otherwise;
  };
  return {
    pid,
    born: textOf(born, ""),
    host: textOf(host, os.hostname()),
    ...(machine === undefined ? {} : { machine: textOf(machine, "") }),
    since: textOf(since, ""),
  };
}

/**
 * The holder that `file` names; nothing when the file is gone.
 *
 * @throws Problem when the file names none
 */
export function readHolder(file: string): Holder | undefined {
  const text = readBelow(path.dirname(file), file);
  if (text === undefined) return undefined;
  try {
    return parseHolder(text);
  } catch (cause) {
    throw new Problem("the file does not say which process holds it", {
      where: file,
      mend: `when no other run is at work: rm ${file}`,
      cause,
    });
  }
}

/** How long a marker may stand that its maker, killed at that very moment, did not remove. */
const MARKER_MS = 10_000;

/**
 * Removes a dead holder's lock. Only the one process that makes the holder's marker may, and it looks again first:
 * so nobody removes the lock of a successor.
 *
 * @returns false when another process is at it
 */
function breakLock(file: string, dead: Holder): boolean {
  const marker = `${file}.dead-${dead.pid}`;
  try {
    writeFileSync(marker, "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const made = lstatSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > MARKER_MS) rmSync(marker, { force: true });
    return false;
  }
  try {
    const holder = readHolder(file);
    if (holder?.pid === dead.pid && holder.born === dead.born) rmSync(file, { force: true });
  } finally {
    rmSync(marker, { force: true });
  }
  return true;
}
