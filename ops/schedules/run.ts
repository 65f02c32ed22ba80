import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FULL_DISK_ACCESS } from "../base/is-there.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { acquireLock, releaseLock } from "../base/process-lock.ts";
import { visible } from "../base/visible.ts";
import { connectDocker } from "../docker/client.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { dueTime, missedTime } from "./due.ts";
import { ALWAYS, type DeployedSchedule, JOBS } from "./jobs.ts";
import { removeOldLogs } from "./logs.ts";
import { isAtWork, lockOf, type RunRecord, readRecord, writeRecord } from "./record.ts";
import { NODE_FLAGS, outputDirectory } from "./units/unit.ts";

/** Docker Desktop starts at log-in, after the agents. */
const DOCKER_MS = 5 * 60_000;

/** Another run at work on the backups is waited for so long, and asked so often. */
const BUSY_MS = 30 * 60_000;
const BUSY_EVERY_MS = 20_000;

/** macOS lets whoever has no Full Disk Access wait for ever on some disks. */
const LOOK_MS = 15_000;

/** Lines of a failure that stand in the record. */
const REASON_LINES = 4;

/** What a run asks of the world. */
export interface RunOptions {
  signal: AbortSignal;
  now: () => Date;
}

/** Runs a stack's job as its manager asks. Whatever was begun for this time already is not done again. */
export async function runJob(stack: DeployedStack, job: string, options: RunOptions): Promise<number> {
  const schedule = scheduleOf(stack);
  const when = schedule.jobs[job];
  if (when === undefined || JOBS[job] === undefined) {
    throw new Problem(`stack ${stack.name} has no job ${job}`, { mend: `./mem0 schedule ${stack.name}` });
  }
  if (when === ALWAYS) return alwaysRun(stack, schedule, job, options.signal);
  const record = recordOf(stack, job, when, options);
  const due = dueTime(when, record, { now: options.now(), isRunning: isAtWork(stack.directory, job) });
  if (due === undefined) return ExitCode.ok;
  return lockedRun(stack, { job, cause: "time", tries: due.tries }, options);
}

/** Begins what its managers have let pass, one after the other. */
async function makeUpForMissed(stack: DeployedStack, options: RunOptions): Promise<void> {
  for (const [job, when] of Object.entries(scheduleOf(stack).jobs)) {
    if (job === "missed" || options.signal.aborted) continue;
    const record = recordOf(stack, job, when, options);
    const at = { now: options.now(), isRunning: isAtWork(stack.directory, job) };
    const due = missedTime(when, record, at);
    if (due !== undefined) await lockedRun(stack, { job, cause: "missed", tries: due.tries }, options);
  }
}

function scheduleOf({ name, manifest }: DeployedStack): DeployedSchedule {
  if (manifest.schedule !== undefined) return manifest.schedule;
  throw new Problem(`nothing of stack ${name} runs by itself`, {
    mend: `set mem0:schedule.by to auto, then: ./mem0 up ${name}`,
    exitCode: ExitCode.usage,
  });
}

/** One that was lost begins anew: nothing before this moment was missed. */
function recordOf({ directory }: DeployedStack, job: string, when: string, { now }: RunOptions): RunRecord {
  return (
    readRecord(directory, job) ?? {
      version: 1,
      since: new Date(now().getTime() - 60_000).toISOString(),
      when,
    }
  );
}

/** A run that is to begin. */
interface Beginning {
  job: string;
  cause: "time" | "missed";
  /** How often it was begun for this time before. */
  tries: number;
}

async function lockedRun(stack: DeployedStack, run: Beginning, options: RunOptions): Promise<number> {
  const lock = lockOf(stack.directory, run.job);
  if (acquireLock(lock) !== undefined) return ExitCode.ok;
  try {
    return await recorded(stack, run, options);
  } finally {
    releaseLock(lock);
  }
}

/** Runs the job, and notes when it began and how it ended. */
async function recorded(
  stack: DeployedStack,
  { job, cause, tries }: Beginning,
  options: RunOptions,
): Promise<number> {
  const { directory } = stack;
  const begun = options.now().toISOString();
  const log = path.join(outputDirectory(directory), `${begun.replaceAll(/[:.]/g, "-")}-${job}.log`);
  const before = recordOf(stack, job, scheduleOf(stack).jobs[job] ?? "", options);
  const run = { begun, cause, tries: tries + 1, log };
  writeRecord(directory, job, { ...before, run });
  const { exit, reason } = await done(stack, job, log, options);
  // The machine goes down, or somebody ends the job: it was cut off, and is begun once more.
  if (options.signal.aborted) return exit;
  if (JOBS[job]?.judges === true && exit === ExitCode.ok) rmSync(log, { force: true });
  const ended = options.now().toISOString();
  writeRecord(directory, job, {
    ...before,
    run: { ...run, ended, exit, ...(reason === undefined ? {} : { reason }) },
    ...(exit === ExitCode.ok ? { lastGood: begun } : {}),
  });
  return exit;
}

interface Ended {
  exit: number;
  reason?: string;
}

async function done(stack: DeployedStack, job: string, log: string, options: RunOptions): Promise<Ended> {
  const schedule = scheduleOf(stack);
  const work = JOBS[job];
  try {
    if (job === "missed") await makeUpForMissed(stack, options);
    if (job === "logs") removeOldLogs(stack.directory, schedule.logDays, options.now());
    if (work?.words === undefined) return { exit: ExitCode.ok };
    if (work.needsDocker) {
      await requireReadable(stack.backup.root, schedule.node);
      await untilDockerAnswers(stack, options.signal);
    }
    const words = work.words(stack.name, schedule.identity);
    for (const until = Date.now() + BUSY_MS; ; ) {
      const exit = await verbRun(schedule, words, log, options.signal);
      if (exit === ExitCode.ok) return { exit };
      if (exit !== ExitCode.busy || Date.now() > until) return { exit, reason: lastLines(log) };
      await delay(BUSY_EVERY_MS, undefined, { signal: options.signal });
    }
  } catch (error) {
    const reason = error instanceof Problem ? error.render() : String(error);
    return { exit: error instanceof Problem ? error.exitCode : ExitCode.failed, reason };
  }
}

/** Runs a verb of the deployed program; a signal is passed on, and its end waited for. */
async function verbRun(
  { node, program }: DeployedSchedule,
  words: string[],
  log: string,
  signal: AbortSignal,
): Promise<number> {
  mkdirSync(path.dirname(log), { recursive: true, mode: 0o700 });
  const descriptor = openSync(log, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY, 0o600);
  try {
    const child = spawn(node, [...NODE_FLAGS, path.join(program, "scripts", "mem0.ts"), ...words], {
      stdio: ["ignore", descriptor, descriptor],
      env: { ...process.env, MALLOC_ARENA_MAX: "2" },
    });
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    const [exitCode] = (await once(child, "close")) as [number | null];
    signal.removeEventListener("abort", stop);
    return exitCode ?? ExitCode.failed;
  } finally {
    closeSync(descriptor);
  }
}

/** Keeps a verb running for as long as it is asked to; cron looks each minute, and finds it at work. */
async function alwaysRun(
  stack: DeployedStack,
  schedule: DeployedSchedule,
  job: string,
  signal: AbortSignal,
): Promise<number> {
  const lock = lockOf(stack.directory, job);
  if (acquireLock(lock) !== undefined) return ExitCode.ok;
  try {
    const words = JOBS[job]?.words?.(stack.name, schedule.identity) ?? [];
    return await verbRun(schedule, words, path.join(outputDirectory(stack.directory), `${job}.log`), signal);
  } finally {
    releaseLock(lock);
  }
}

async function untilDockerAnswers({ dockerHost }: DeployedStack, signal: AbortSignal): Promise<void> {
  const docker = connectDocker(dockerHost);
  for (const until = Date.now() + DOCKER_MS; Date.now() < until && !signal.aborted; await delay(2_000)) {
    if (
      await docker.ping().then(
        () => true,
        () => false,
      )
    )
      return;
  }
  // The verb itself tells that the engine is down, and what mends it.
}

/** Whether the backup root may be looked at: what waits for ever without leave would hold the job. */
async function requireReadable(root: string, node: string): Promise<void> {
  const late = new AbortController();
  const looked = await Promise.race([
    readdir(root).then(
      () => "well",
      (error: NodeJS.ErrnoException) => error.code ?? "",
    ),
    delay(LOOK_MS, "no answer", { signal: late.signal }).catch(() => ""),
  ]);
  late.abort();
  if (!["EPERM", "no answer"].includes(looked)) return;
  throw new Problem(`the backups may not be looked at (${looked})`, {
    where: root,
    mend: `${FULL_DISK_ACCESS}: ${node}`,
  });
}

function lastLines(log: string): string {
  const lines = visible(readFileSync(log, "utf8")).trimEnd().split("\n");
  return lines.slice(-REASON_LINES).join("\n");
}
