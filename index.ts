import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { buildContexts } from "./components/build-context.ts";
import { declareStack } from "./components/stack.ts";
import { readStackConfig } from "./config/pulumi-config.ts";
import { parseSettings } from "./config/settings.ts";
import { complaint } from "./ops/base/check.ts";
import { Problem } from "./ops/base/problem.ts";
import { counted } from "./ops/base/words.ts";
import { planSchedule } from "./ops/schedules/plan.ts";
import { gatherHostFacts } from "./ops/stack/host-facts.ts";
import { readMachine } from "./ops/stack/machine-file.ts";
import { externalPrometheusRuns, preflight, warnings } from "./ops/stack/preflight.ts";

const checkout = import.meta.dirname;
const machine = readMachine(checkout);

const config = readStackConfig();
const parsed = parseSettings(pulumi.getStack(), config.values, { ...machine, home: os.homedir() });
if (!parsed.ok) refuse("settings", [...config.mistakes, ...parsed.mistakes]);

const { settings, given } = parsed;
const facts = await gatherHostFacts(settings, machine.stateHome).catch(tell);
const scheduled = await planSchedule(settings, {
  checkout,
  stateHome: machine.stateHome,
  deployed: facts.deployed?.schedule?.by,
});
const found = [...preflight(settings, facts).map(complaint), ...scheduled.mistakes];
if (config.mistakes.length > 0 || found.length > 0) refuse("this host", [...config.mistakes, ...found]);

for (const warning of [...warnings(settings, facts), ...scheduled.warnings]) void pulumi.log.warn(warning);

export const { address, manifest, instanceId } = declareStack(
  settings,
  given,
  buildContexts(checkout, settings.baseImage),
  {
    externalPrometheusRuns: externalPrometheusRuns(settings, facts),
    runbook: readFileSync(path.join(checkout, "docs", "runbook.md"), "utf8"),
    schedule: scheduled.program,
  },
);

/** What is wrong with the host beyond what `preflight` judges, without a stack trace. */
function tell(error: unknown): never {
  throw error instanceof Problem ? shortly(error.render()) : error;
}

/** An error without a way through the code: to lay that out in colours costs Pulumi's SDK a minute of garbage collection. */
function shortly(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}

/** Stops before anything is declared; the engine shows the message without a stack trace. */
function refuse(what: string, lines: string[]): never {
  const list = lines.map((line) => `  - ${line}`).join("\n");
  throw shortly(`${counted(lines.length, "mistake")} in ${what} of stack ${pulumi.getStack()}:\n${list}`);
}
