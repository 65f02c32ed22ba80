import { answerTime, equal, errorShare, type Select, TRAFFIC } from "../promql.ts";
import { type Alert, MINUTE, percent, rounded, type Thresholds } from "./alert.ts";

/**
 * Windows and factors of the SRE workbook for an objective over 30 days: at 14.4 times the allowed rate of errors 2 %
 * of the month's budget goes in an hour, at 6 times 5 % in six. The short window ends the alert soon after the errors.
 */
const BURNS = [
  { name: "Fast", factor: 14.4, long: "1h", short: "5m", holds: 2 * MINUTE, severity: "critical" },
  { name: "Slow", factor: 6, long: "6h", short: "30m", holds: 15 * MINUTE, severity: "warning" },
] as const;

/** Whether requests are answered, and in time. */
export function traffic(of: Select, thresholds: Thresholds): Alert[] {
  const { availability, minimumRequests, readSeconds, writeSeconds } = thresholds;
  const burns = BURNS.map(({ name, factor, long, short, holds, severity }): Alert => {
    const threshold = rounded(factor * (1 - availability));
    const requests = `sum by (stack) (increase(${of("mem0_api_requests_total", TRAFFIC)}[${long}]))`;
    return {
      name: `Mem0ErrorBudgetBurn${name}`,
      group: "traffic",
      value: errorShare(of, long, "stack"),
      comparison: ">",
      threshold,
      also: [`${errorShare(of, short, "stack")} > ${threshold}`, `${requests} >= ${minimumRequests}`],
      unit: "share",
      holds,
      severity,
      summary: "The memory server fails to answer too many requests",
      description: `{value} of the requests, looking back ${long} at most, ended in an error of the server (5xx); the limit of this alert is ${percent(threshold)}, ${factor} times what an objective of ${percent(availability)} allows.`,
      section: "requests-fail",
    };
  });
  const slow = (kind: "read" | "write", threshold: number): Alert => ({
    name: kind === "read" ? "Mem0ReadsSlow" : "Mem0WritesSlow",
    group: "traffic",
    value: answerTime(of, 0.95, equal("kind", kind), "5m", "stack"),
    comparison: ">",
    threshold,
    also: [],
    unit: "seconds",
    holds: 10 * MINUTE,
    severity: "warning",
    summary: `${kind === "read" ? "Reads" : "Writes"} are slow`,
    description: `One ${kind} in twenty takes longer than {value}; the goal is ${threshold} s.`,
    section: "answers-are-slow",
  });
  return [...burns, slow("read", readSeconds), slow("write", writeSeconds)];
}
