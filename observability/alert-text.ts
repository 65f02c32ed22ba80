import type { Alert, AlertOptions } from "./alerts/alert.ts";

/** Labels of an alert, the same in every alerting system. */
export function labelsOf({ severity }: Alert, { stack }: AlertOptions): Record<string, string> {
  return { severity, stack };
}

/** @param value the alerting system's own template of the value measured, e.g. `$value` */
export function annotationsOf(
  { summary, description, section, unit }: Alert,
  { stack, runbook }: AlertOptions,
  value: string,
): Record<string, string> {
  const shown = SHOWN[unit].replace("value", value);
  return {
    summary: `${summary} (stack ${stack})`,
    description: description.replace(/\{(\w+)\}/g, (_, name) =>
      name === "value" ? shown : `{{ $labels.${name} }}`,
    ),
    runbook_url: `${runbook}#${section}`,
  };
}

/** How a value is written, in the template language that Prometheus and Grafana share. */
const SHOWN: Record<Alert["unit"], string> = {
  seconds: "{{ value | humanizeDuration }}",
  // To the base of 1024: GiB, as everywhere.
  bytes: "{{ value | humanize1024 }}B",
  share: "{{ value | humanizePercentage }}",
  count: "{{ value | humanize }}",
  state: "{{ value }}",
};
