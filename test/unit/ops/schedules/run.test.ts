import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { acquireLock, releaseLock } from "../../../../ops/base/process-lock.ts";
import { lockOf, noteInstalled, noteRemoved, readRecord } from "../../../../ops/schedules/record.ts";
import { type JobState, jobChecks } from "../../../../ops/schedules/report.ts";
import { runJob } from "../../../../ops/schedules/run.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const NOON = new Date("2026-11-28T12:00:30Z");
const clock = (now: Date) => ({ signal: new AbortController().signal, now: () => now });

/** Minutes of every hour: the machine's time zone is nobody's business here. */
const JOBS = { logs: "0 * * * *", missed: "*/10 * * * *", exporter: "always" };

let stack: DeployedStack;

/** A stack whose deployed program has a `./mem0` that tells its words and ends with this code. */
beforeEach(() => {
  const program = path.join(scratch.path, "program");
  mkdirSync(path.join(program, "scripts"), { recursive: true });
  const verb = "console.log(process.argv.slice(2).join(' ')); process.exit(7);\n";
  writeFileSync(path.join(program, "scripts", "mem0.ts"), verb);
  const schedule = { by: "cron" as const, node: process.execPath, program, jobs: JOBS, logDays: 7 };
  stack = new DeployedStack(exampleManifest({ schedule }), scratch.path);
  for (const [job, when] of Object.entries(JOBS)) {
    noteInstalled(scratch.path, job, when, new Date("2026-11-28T11:30:00Z"));
  }
});

const record = (job: string) => readRecord(scratch.path, job);

describe("a job", () => {
  it("notes when it ran and how it ended, and does nothing when it is started twice for one time", async () => {
    expect(await runJob(stack, "logs", clock(NOON))).toBe(0);
    const first = record("logs");
    expect(first).toMatchObject({ lastGood: NOON.toISOString(), run: { exit: 0, cause: "time", tries: 1 } });
    await runJob(stack, "logs", clock(new Date(NOON.getTime() + 20_000)));
    expect(record("logs")).toEqual(first);
  });

  it("that is told to end, as when the machine goes down, was cut off, and is begun once more", async () => {
    const told = AbortSignal.abort();
    await runJob(stack, "logs", { ...clock(NOON), signal: told });
    expect(record("logs")?.run).not.toHaveProperty("ended");
    await runJob(stack, "missed", clock(new Date("2026-11-28T12:10:00Z")));
    expect(record("logs")?.run).toMatchObject({ cause: "missed", tries: 2, exit: 0 });
  });

  it("is left alone while a run of it is at work", async () => {
    acquireLock(lockOf(scratch.path, "logs"));
    expect(await runJob(stack, "logs", clock(NOON))).toBe(0);
    expect(record("logs")?.run).toBeUndefined();
    releaseLock(lockOf(scratch.path, "logs"));
  });

  it("is made up for by the look for missed runs, and noted as that", async () => {
    const later = new Date("2026-11-28T12:40:05Z");
    await runJob(stack, "missed", clock(later));
    expect(record("logs")?.run).toMatchObject({ cause: "missed", begun: later.toISOString(), exit: 0 });
    expect(record("missed")?.run).toMatchObject({ cause: "time", exit: 0 });
  });

  it("removes old logs of the stack, and no other files", async () => {
    const logs = path.join(scratch.path, "log", "backup");
    mkdirSync(logs, { recursive: true });
    for (const name of ["2026-11-01T02-30-00-000Z-backup.log", "mine.txt"]) {
      writeFileSync(path.join(logs, name), "x");
      utimesSync(path.join(logs, name), new Date("2026-11-01"), new Date("2026-11-01"));
    }
    await runJob(stack, "logs", clock(NOON));
    expect(readdirSync(logs)).toEqual(["mine.txt"]);
  });

  it("that never ends runs a verb of the deployed program, and ends with it", async () => {
    expect(await runJob(stack, "exporter", clock(NOON))).toBe(7);
    expect(readFileSync(path.join(scratch.path, "log/schedule/exporter.log"), "utf8")).toBe(
      "exporter --stack test\n",
    );
  });

  it("which the stack does not have is refused by name", async () => {
    await expect(runJob(stack, "drill", clock(NOON))).rejects.toThrow("stack test has no job drill");
  });

  it("keeps its past where its unit is installed again, and owes nothing from before another time, or from while it was away", async () => {
    await runJob(stack, "logs", clock(NOON));
    noteInstalled(scratch.path, "logs", JOBS.logs, new Date("2026-11-28T13:00:00Z"));
    expect(record("logs")?.since).toBe("2026-11-28T11:30:00.000Z");
    noteInstalled(scratch.path, "logs", "30 * * * *", new Date("2026-11-28T13:00:00Z"));
    expect(record("logs")).toMatchObject({ since: "2026-11-28T13:00:00.000Z", lastGood: NOON.toISOString() });
    noteRemoved(scratch.path, "logs");
    noteInstalled(scratch.path, "logs", "30 * * * *", new Date("2026-11-29T13:00:00Z"));
    expect(record("logs")?.since).toBe("2026-11-29T13:00:00.000Z");
  });
});

describe("what health is told of a job", () => {
  const state: JobState = {
    job: "backup",
    title: "daily backup",
    when: "30 2 * * *",
    unit: "u",
    unitFault: undefined,
    atWork: false,
    next: undefined,
    overdue: undefined,
    record: undefined,
  };
  const run = { begun: "2026-11-28T02:30:00.000Z", cause: "time" as const, tries: 1, log: "/l" };
  const since = "2026-11-01T00:00:00.000Z";
  const recorded = { version: 1 as const, since, when: state.when };
  it.each<[string, Partial<JobState>, object]>([
    ["has not run yet", {}, { ok: true, found: "has not run yet" }],
    ["is not loaded", { unitFault: "gone" }, { ok: false, found: "gone", mend: "./mem0 up prd" }],
    ["did not run", { overdue: "2026" }, { ok: false, found: "was to run at 2026, and did not" }],
    [
      "failed",
      { record: { ...recorded, run: { ...run, exit: 4, reason: "x" } } },
      { ok: false, mend: "read /l" },
    ],
    [
      "found the stack not well",
      { job: "health", record: { ...recorded, run: { ...run, exit: 1 } } },
      { ok: true },
    ],
    ["ran", { record: { ...recorded, run: { ...run, exit: 0 } } }, { ok: true }],
    ["is to run always and does not", { when: "always" }, { ok: false, found: "does not run" }],
  ])("%s", (_, changed, wanted) => {
    expect(jobChecks("prd", [{ ...state, ...changed }])).toEqual([expect.objectContaining(wanted)]);
  });
});
