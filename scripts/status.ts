import type { Command } from "commander";
import prettyBytes from "pretty-bytes";
import prettyMs from "pretty-ms";
import { ExitCode } from "../ops/base/problem.ts";
import { type ServiceStatus, type StackStatus, stackStatus } from "../ops/stack/status.ts";
import { deployedStack } from "./cli/context.ts";
import { printJson, table } from "./cli/output.ts";

export function register(program: Command): void {
  program
    .command("status")
    .description("services with health, ports, memory and uptime; number of memories and users")
    .argument("[stack]", "stack", "test")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExit codes: 0 all healthy, 1 not.\n\nExample:\n  ./mem0 status test --json")
    .action(status);
}

async function status(stack: string, options: { json?: boolean }): Promise<void> {
  const report = await stackStatus(deployedStack(stack));
  if (options.json === true) printJson(report);
  else console.log(render(report));
  process.exitCode = report.healthy ? ExitCode.ok : ExitCode.failed;
}

function render({ stack, healthy, services, memories, users, dashboard }: StackStatus): string {
  const allGone = services.every(({ state }) => state === "missing");
  const verdict = healthy
    ? "all healthy"
    : allGone
      ? `down; data is kept; ./mem0 up ${stack}`
      : "NOT healthy";
  const counted =
    memories === undefined
      ? "memories cannot be counted: Postgres does not answer"
      : `${memories} memories, ${users} users`;
  return [
    `stack ${stack}: ${verdict}`,
    "",
    table(["service", "health", "address", "memory", "up for"], services.map(row)),
    "",
    ...(allGone ? [] : [counted]),
    ...(allGone || dashboard === undefined ? [] : [`dashboard: ${dashboard}`]),
  ].join("\n");
}

function row({ service, state, ports, memoryBytes, memoryLimitBytes, startedAt }: ServiceStatus): string[] {
  const memory =
    memoryBytes === undefined || memoryLimitBytes === undefined
      ? ""
      : `${prettyBytes(memoryBytes, { binary: true })} of ${prettyBytes(memoryLimitBytes, { binary: true })}`;
  const uptime =
    startedAt === undefined ? "" : prettyMs(Date.now() - Date.parse(startedAt), { compact: true });
  return [service, state, ports.map((port) => `127.0.0.1:${port}`).join(" "), memory, uptime];
}
