import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

interface Holder {
  pid: number;
  /** When the process started, as the system tells it: a number that is used again names another process. */
  born: string;
}

/**
 * Holds `file` as a lock while `work` runs, so that two set-ups of one checkout take turns. The lock of a process
 * that is gone is taken over.
 *
 * @param onWait called once, with the other's process id, when there is someone to wait for
 */
export async function withLock<T>(
  file: string,
  onWait: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true });
  let told = false;
  while (!tryLock(file)) {
    const holder = readHolder(file);
    if (holder !== undefined && !isAlive(holder) && breakLock(file, holder)) continue;
    if (holder !== undefined && isAlive(holder) && !told) {
      told = true;
      onWait(holder.pid);
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** A link appears with its content in one step, so nobody ever reads half a lock. */
function tryLock(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  const holder: Holder = { pid: process.pid, born: bornAt(process.pid) ?? "" };
  writeFileSync(draft, JSON.stringify(holder));
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

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive({ pid, born }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = bornAt(pid);
  return now === undefined || born === "" || now === born;
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
