import { tellFindings } from "../ops/alerts/alerts.ts";
import { mendings } from "../ops/base/check.ts";
import { counted } from "../ops/base/words.ts";
import { type HealthReport, health } from "../ops/health/health.ts";
import type { HealthCheck } from "../ops/health/health-check.ts";
import { tell } from "./cli/output.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb<{ tell?: boolean }>({
  declare: (command) =>
    command.option("--tell", "tell those whom the settings name, as the schedule does (docs/alerts.md)"),
  json: "the report",
  notes:
    "Asks everyone side by side and waits at most 9 s for an answer. A finding that another one explains names it.\n" +
    "A model of another provider embeds two short texts for it, at most once an hour.",
  exits: {
    ok: "all is well",
    failed: "something is not, and the report says what mends it; with --tell: or somebody could not be told",
  },
  examples: ["health", "health prd --json"],
  run: async (call) => {
    const stack = call.deployed();
    const report = await health(stack);
    const untold = call.options.tell === true ? await tellFindings(stack, report.checks) : [];
    for (const { channel, messages, reason } of untold) {
      tell(`${counted(messages, "message")} for ${channel} wait: ${reason}`);
    }
    return { text: render(report), json: report, exit: report.ok && untold.length === 0 ? "ok" : "failed" };
  },
});

function render({ stack, ok, seconds, checks }: HealthReport): string {
  const rows = checks.map((check) => [check.name, word(check), foundBy(check)]);
  // What another finding explains is mended with it.
  const roots = checks.filter(({ because }) => because === undefined);
  const lines = mendings(roots).map((line) => `  ${line}`);
  const end = ok ? [`stack ${stack} is well (${seconds.toFixed(1)} s)`] : ["To mend it:", ...lines];
  return [table(["what", "state", "found"], rows), "", ...end].join("\n");
}

function word({ ok, mend, because }: HealthCheck): string {
  if (ok) return mend === undefined ? "ok" : "note";
  return because === undefined ? "WRONG" : "-";
}

function foundBy({ ok, found, mend, because }: HealthCheck): string {
  if (because !== undefined) return `${found}; because of: ${because}`;
  return ok && mend !== undefined ? `${found}; ${mend}` : found;
}
