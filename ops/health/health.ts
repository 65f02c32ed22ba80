import { allWell } from "../base/check.ts";
import { secondsSince } from "../base/elapsed.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { gatherHealth, healthSettings } from "./gather.ts";
import type { HealthCheck } from "./health-check.ts";
import { judge } from "./judge.ts";

export interface HealthReport {
  stack: string;
  time: string;
  ok: boolean;
  seconds: number;
  checks: HealthCheck[];
}

/** Looks at all of a stack at once, in a bounded time whoever does not answer. Never throws for what it finds. */
export async function health(stack: DeployedStack): Promise<HealthReport> {
  const started = performance.now();
  const now = Date.now();
  const checks = judge(await gatherHealth(stack, now), healthSettings(stack));
  const time = new Date(now).toISOString();
  return { stack: stack.name, time, ok: allWell(checks), seconds: secondsSince(started), checks };
}
