import prettyMs from "pretty-ms";
import { JOBS } from "../ops/schedules/jobs.ts";
import { type JobState, jobChecks, jobStates } from "../ops/schedules/report.ts";
import { checkLine } from "./cli/output.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  json: "the report",
  notes:
    "Times are this machine's own. What runs, and when, is set in mem0:schedule and installed by ./mem0 up.",
  exits: {
    ok: "every unit is loaded, ran in time and went well, or nothing is to run by itself",
    failed: "one is not, did not, or failed",
  },
  examples: ["schedule", "schedule prd --json"],
  run: async (call) => {
    const stack = call.deployed();
    const now = new Date();
    const states = await jobStates(stack, now);
    const checks = jobChecks(stack.name, states);
    const ok = checks.every((check) => check.ok);
    const by = stack.manifest.schedule?.by;
    return {
      text:
        by === undefined
          ? `stack ${stack.name}: nothing runs by itself; mem0:schedule.by set to auto, then ./mem0 up ${stack.name}, changes that`
          : render(stack.name, by, states, checks, now),
      json: { stack: stack.name, by: by ?? null, ok, jobs: states.map(asJson), checks },
      exit: ok ? "ok" : "failed",
    };
  },
});

function render(
  stack: string,
  by: string,
  states: JobState[],
  checks: ReturnType<typeof jobChecks>,
  now: Date,
): string {
  const wrong = checks.filter(({ ok }) => !ok);
  const logs = states.flatMap(({ job, record }) =>
    record?.run?.exit === undefined || record.run.exit === 0 ? [] : [`  log of ${job}: ${record.run.log}`],
  );
  return [
    `stack ${stack}: ${by} runs its jobs`,
    "",
    table(
      ["job", "when", "next run", "last run", "result", "unit"],
      states.map((state) => row(state, now)),
    ),
    ...(wrong.length === 0 ? [] : ["", ...wrong.map(checkLine), ...logs]),
  ].join("\n");
}

function row({ job, when, next, atWork, record, unitFault }: JobState, now: Date): string[] {
  const run = record?.run;
  const judges = JOBS[job]?.judges === true;
  const took =
    run?.ended === undefined
      ? ""
      : ` (${prettyMs(Math.max(0, Date.parse(run.ended) - Date.parse(run.begun)), { compact: true })})`;
  const result =
    atWork || when === "always"
      ? atWork
        ? "at work"
        : "does not run"
      : run === undefined
        ? "not yet"
        : run.exit === undefined
          ? "cut off"
          : run.exit === 0
            ? `well${took}`
            : `${judges ? "not all well" : "FAILED"} (${run.exit})${took}`;
  return [
    job,
    when,
    next === undefined
      ? ""
      : `${local(next)} (in ${prettyMs(Date.parse(next) - now.getTime(), { compact: true })})`,
    run === undefined ? "" : `${local(run.begun)}${run.cause === "missed" ? ", made up for" : ""}`,
    result,
    unitFault === undefined ? "loaded" : "NOT loaded",
  ];
}

/** A time as the machine's clock shows it. */
function local(time: string): string {
  return new Date(time).toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
}

function asJson({ unitFault, record, next, overdue, ...state }: JobState): object {
  return {
    ...state,
    next: next ?? null,
    overdue: overdue ?? null,
    loaded: unitFault === undefined,
    unitFault: unitFault ?? null,
    lastRun: record?.run ?? null,
    lastGood: record?.lastGood ?? null,
  };
}
