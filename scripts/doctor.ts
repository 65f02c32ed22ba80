import { mendings } from "../ops/base/check.ts";
import { type Diagnosis, DOCTOR_HEAD, diagnose, doctorRows } from "../toolchain/doctor.ts";
import { thisHost } from "../toolchain/host.ts";
import { STEPS } from "../toolchain/steps/index.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  stack: false,
  json: "the findings",
  exits: { ok: "all is there", failed: "something is not", notSetUp: "this machine was never set up" },
  run: async () => {
    const host = thisHost();
    const diagnosis = diagnose(await Promise.all(STEPS.map((step) => step.inspect(host))));
    const exit = diagnosis.well ? "ok" : diagnosis.setUp ? "failed" : "notSetUp";
    return { text: render(diagnosis), json: diagnosis, exit };
  },
});

function render(diagnosis: Diagnosis): string {
  const lines = mendings(diagnosis.checks).map((line) => `  ${line}`);
  const end = lines.length === 0 ? ["all is well"] : ["To mend it:", ...lines];
  return [table(DOCTOR_HEAD, doctorRows(diagnosis)), "", ...end].join("\n");
}
