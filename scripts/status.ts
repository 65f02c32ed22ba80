import prettyMs from "pretty-ms";
import { byteSize } from "../ops/base/byte-size.ts";
import { counted } from "../ops/base/words.ts";
import { type ServiceStatus, type StackStatus, stackStatus } from "../ops/stack/status.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  json: "the report",
  exits: { ok: "all healthy", failed: "a service is not healthy, or there is no status" },
  examples: ["status", "status prd --json"],
  run: async (call) => {
    const report = await stackStatus(call.deployed());
    return { text: render(report), json: report, exit: report.healthy ? "ok" : "failed" };
  },
});

function render({ stack, healthy, services, memories, users, dashboard }: StackStatus): string {
  const allGone = services.every(({ state }) => state === "missing");
  const verdict = healthy
    ? "all healthy"
    : allGone
      ? `down; data is kept; ./mem0 up ${stack}`
      : "NOT healthy";
  const held =
    memories === undefined || users === undefined
      ? "memories cannot be counted: Postgres does not answer"
      : `${counted(memories, "memory")}, ${counted(users, "user")}`;
  return [
    `stack ${stack}: ${verdict}`,
    "",
    table(["service", "health", "address", "memory", "up for"], services.map(row)),
    "",
    ...(allGone ? [] : [held]),
    ...(allGone || dashboard === undefined ? [] : [`dashboard: ${dashboard}`]),
  ].join("\n");
}

function row({ service, state, ports, memoryBytes, memoryLimitBytes, startedAt }: ServiceStatus): string[] {
  const memory =
    memoryBytes === undefined || memoryLimitBytes === undefined
      ? ""
      : `${byteSize(memoryBytes)} of ${byteSize(memoryLimitBytes)}`;
  const uptime =
    startedAt === undefined ? "" : prettyMs(Date.now() - Date.parse(startedAt), { compact: true });
  return [service, state, ports.map((port) => `127.0.0.1:${port}`).join(" "), memory, uptime];
}
