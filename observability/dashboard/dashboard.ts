import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { AlertOptions } from "../alerts/alert.ts";
import { alertsOf } from "../alerts.ts";
import { selector } from "../promql.ts";
import { guidePanels } from "./guide-panels.ts";
import { buildPanel, DATASOURCE, type PanelSpec } from "./panel.ts";
import { rows } from "./rows.ts";

/** Part of the address of the dashboard, which the operations guide names. */
export const DASHBOARD_UID = "mem0-dashboard";

/** JSON text of the dashboard, as Grafana takes it; without number and version, which are each Grafana's own. */
export function dashboardJson(options: AlertOptions): string {
  const { job, runbook } = options;
  const of = selector('job="$job"', 'instance="$instance"');
  const alerts = alertsOf(options);
  const panel = (spec: PanelSpec) => buildPanel(spec, alerts, runbook);

  const dashboard = new DashboardBuilder("Personal AI Memory (mem0)")
    .uid(DASHBOARD_UID)
    .description("The memory server, its stores, its backups and what they run on.")
    .tags(["mem0"])
    .readonly()
    .timezone("browser")
    .time({ from: "now-6h", to: "now" })
    .refresh("30s")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new DashboardLinkBuilder("Runbook").type(DashboardLinkType.Link).url(runbook).targetBlank(true))
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(variable("job", "Job", "label_values(mem0_service_up, job)", job))
    .withVariable(variable("instance", "Instance", 'label_values(mem0_service_up{job="$job"}, instance)'))
    // A value of these metrics is the moment itself, which Grafana wants in milliseconds.
    .annotation(
      annotation("Deployments and restarts", "blue", `${of("mem0_component_start_time_seconds")} * 1000`)
        .titleFormat("{{component}} started")
        .tagKeys("component"),
    )
    .annotation(
      annotation("Backups", "green", `(${of("mem0_backup_last_success_timestamp_seconds")} > 0) * 1000`)
        .titleFormat("{{tier}} backup")
        .tagKeys("tier"),
    );
  for (const spec of guidePanels(of)) dashboard.withPanel(panel(spec));
  for (const { title, panels } of rows(of, options.bot)) {
    dashboard.withRow(new RowBuilder(title));
    for (const spec of panels) dashboard.withPanel(panel(spec));
  }

  const { id: _id, version: _version, ...built } = dashboard.build();
  // Grafana numbers panels from 1 and keeps the numbers in its links.
  const numbered = (built.panels ?? []).map((one, index) => ({ ...one, id: index + 1 }));
  return `${JSON.stringify({ ...built, panels: numbered }, null, 2)}\n`;
}

function variable(name: string, label: string, query: string, current?: string): QueryVariableBuilder {
  const built = new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
  return current === undefined ? built : built.current({ text: current, value: current });
}

function annotation(name: string, color: string, expr: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .step("60s")
    .useValueForTime(true);
}
