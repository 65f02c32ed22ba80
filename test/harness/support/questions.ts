import type { AlertOptions } from "../../../observability/alerts/alert.ts";
import { alertsOf } from "../../../observability/alerts.ts";
import { dashboardJson } from "../../../observability/dashboard/dashboard.ts";

/** A question to Prometheus, and who asks it. */
export interface Question {
  asker: string;
  expr: string;
}

interface Dashboard {
  panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
  annotations: { list: { name: string; expr: string }[] };
}

/** All that the dashboard asks, as Grafana asks it once a person has chosen this job and instance. */
export function dashboardQuestions(options: AlertOptions, instance: string): Question[] {
  const { panels, annotations } = JSON.parse(dashboardJson(options)) as Dashboard;
  const inPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ asker: `panel ${title}: ${legendFormat}`, expr })),
  );
  const inAnnotations = annotations.list.map(({ name, expr }) => ({ asker: `annotation ${name}`, expr }));
  return [...inPanels, ...inAnnotations].map(({ asker, expr }) => ({
    asker,
    expr: expr
      .replaceAll("$job", options.job)
      .replaceAll("$instance", instance)
      // Four scrapes, as Grafana reckons for a short past.
      .replaceAll("$__rate_interval", "1m"),
  }));
}

/** What has no value while all is well: every series in it is asked for instead. */
const SILENT = ["Mem0ExporterGone", "Mem0DiskFillsUp", "Mem0BackupMissing"];

/** All that the alerts ask: the values that they hold against their thresholds, and what must hold besides. */
export function alertQuestions(options: AlertOptions): Question[] {
  return alertsOf(options).flatMap(({ name, value, also }) => {
    const expressions = SILENT.includes(name)
      ? (value.match(/\b(?:mem0_\w+|up)\{[^}]*\}/g) ?? [])
      : [value, ...also.map((condition) => condition.replace(/ (?:>|<|>=) [\d.]+$/, ""))];
    return [...new Set(expressions)].map((expr) => ({ asker: `alert ${name}`, expr }));
  });
}
