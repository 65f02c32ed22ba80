// What units of launchd, systemd and cron run, from the copy of the program that `up` has laid: job.ts HOME STACK JOB.
import path from "node:path";
import { ExitCode, Problem } from "../base/problem.ts";
import { visible } from "../base/visible.ts";
import { DeployedStack } from "../stack/deployed-stack.ts";
import { runJob } from "./run.ts";

/** Where programs are that copy backups elsewhere; managers have but the system's own on PATH. */
const PLACES = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const [home = "", stack = "", job = ""] = process.argv.slice(2);
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.abort());
process.env.MEM0_HOME = home;
process.env.PATH = [...new Set([...(process.env.PATH ?? "").split(path.delimiter), ...PLACES])].join(
  path.delimiter,
);

try {
  const options = { signal: ending.signal, now: () => new Date() };
  process.exitCode = await runJob(DeployedStack.read(home, stack), job, options);
} catch (error) {
  const told = error instanceof Problem ? error.render() : String(error);
  process.stderr.write(`${new Date().toISOString()} ${visible(told)}\n`);
  process.exitCode = error instanceof Problem ? error.exitCode : ExitCode.failed;
}
