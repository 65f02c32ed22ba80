import { stringify } from "yaml";
import { annotationsOf, labelsOf } from "./alert-text.ts";
import type { Alert, AlertOptions } from "./alerts/alert.ts";
import { alertsOf } from "./alerts.ts";

/** The alert rules of a stack, as a rules file of Prometheus. */
export function prometheusRules(options: AlertOptions): string {
  const groups = [...Map.groupBy(alertsOf(options), ({ group }) => group)].map(([group, alerts]) => ({
    name: `mem0-${options.stack}-${group}`,
    rules: alerts.map((alert) => ({
      alert: alert.name,
      expr: expression(alert),
      for: `${alert.holds}s`,
      labels: labelsOf(alert, options),
      annotations: annotationsOf(alert, options, "$value"),
    })),
  }));
  // An expression on one line can be copied into Prometheus' own page.
  return stringify({ groups }, { lineWidth: 0 });
}

/** PromQL that has a value only where the alert holds. */
export function expression({ value, comparison, threshold, also }: Alert): string {
  return [`${value} ${comparison} ${threshold}`, ...also].join(" and ");
}
