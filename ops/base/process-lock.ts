import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Who holds a lock. */
export interface Holder {
  pid: number;
  /** When the process started, as the system tells it: a number that is used again names another process. */
  born: string;
  host: string;
  /** When it took the lock, ISO 8601. */
  since: string;
}

/**
 * Takes `file` as a lock, also from a holder that is dead.
 *
 * @returns the living holder who has it; nothing when it is ours now
 */
export function acquireLock(file: string): Holder | undefined {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  for (;;) {
    if (tryLock(file)) return undefined;
    const holder = readHolder(file);
    if (holder === undefined) continue;
    if (isHolderAlive(holder)) return holder;
    if (!breakLock(file, holder)) return holder;
  }
}

/** Gives up a lock that this process holds. */
export function releaseLock(file: string): void {
  rmSync(file, { force: true });
}

/** This process, as the holder of something. */
export function thisProcess(): Holder {
  return {
    pid: process.pid,
    born: bornAt(process.pid) ?? "",
    host: os.hostname(),
    since: new Date().toISOString(),
  };
}

/** A process of another host cannot be looked at and counts as alive. */
export function isHolderAlive({ pid, born, host }: Holder): boolean {
  if (host !== os.hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = bornAt(pid);
  return now === undefined || born === "" || now === born;
}

/** The holder that `file` names; nothing when the file is gone. */
export function readHolder(file: string): Holder | undefined {
  try {
    return {
      host: os.hostname(),
      since: "",
      ...(JSON.parse(readFileSync(file, "utf8")) as Partial<Holder>),
    } as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A link appears with its content in one step, so nobody ever reads half a lock. */
function tryLock(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(thisProcess()));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
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
    const made = statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
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

/** Start of a process in clock ticks since the boot, with the boot's id (Linux); nothing where /proc is not. */
function bornAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const afterName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${afterName[19]}`;
  } catch {
    return undefined;
  }
}
