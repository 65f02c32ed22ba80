import type { Command } from "commander";
import { ExitCode } from "../ops/base/problem.ts";
import { DOCTOR_HEAD, diagnose, doctorRows, mendings } from "../toolchain/doctor.ts";
import { thisHost } from "../toolchain/host.ts";
import { STEPS } from "../toolchain/steps/index.ts";
import { printJson, table } from "./cli/output.ts";

export function register(program: Command): void {
  program
    .command("doctor")
    .description("what of it is there, what is missing, and the command that mends it")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExit codes: 0 all there, 1 something is not, 3 this machine was never set up.")
    .action(doctor);
}

async function doctor({ json = false }: { json?: boolean }): Promise<void> {
  const host = thisHost();
  const diagnosis = diagnose(await Promise.all(STEPS.map((step) => step.inspect(host))));
  if (json) printJson(diagnosis);
  else {
    console.log(table(DOCTOR_HEAD, doctorRows(diagnosis)));
    const lines = mendings(diagnosis);
    console.log(
      lines.length === 0 ? "\nall is well" : `\nTo mend it:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  process.exitCode = diagnosis.well ? ExitCode.ok : diagnosis.setUp ? ExitCode.failed : ExitCode.notSetUp;
}
