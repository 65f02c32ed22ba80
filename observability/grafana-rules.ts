import { annotationsOf, labelsOf } from "./alert-text.ts";
import type { Alert, AlertOptions } from "./alerts/alert.ts";
import { alertsOf } from "./alerts.ts";

/** A group of rules with the fields of `alerting.RuleGroup`, but for folder and organisation. */
export interface GrafanaRuleGroup {
  name: string;
  intervalSeconds: number;
  rules: GrafanaRule[];
}

export interface GrafanaRule {
  name: string;
  for: string;
  condition: string;
  noDataState: "OK" | "Alerting";
  execErrState: "KeepLast" | "Alerting";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  isPaused: boolean;
  datas: GrafanaQuery[];
}

export interface GrafanaQuery {
  refId: string;
  queryType: string;
  /** Seconds before the evaluation. */
  relativeTimeRange: { from: number; to: number };
  datasourceUid: string;
  /** JSON text. */
  model: string;
}

export interface GrafanaRulesOptions extends AlertOptions {
  /** The Prometheus that is asked. */
  datasourceUid: string;
}

/** Grafana's name for its own server-side expressions. */
const EXPRESSIONS = "__expr__";

/** Grafana fills these in where they are left out, and then shows a change at every deployment. */
const DEFAULTS = { intervalMs: 1000, maxDataPoints: 43200 };

/** The same alerts as rules of Grafana: a query for the value, and a threshold on it. */
export function grafanaRuleGroups(options: GrafanaRulesOptions): GrafanaRuleGroup[] {
  return [...Map.groupBy(alertsOf(options), ({ group }) => group)].map(([group, alerts]) => ({
    name: `mem0-${options.stack}-${group}`,
    intervalSeconds: 60,
    rules: alerts.map((alert) => rule(alert, options)),
  }));
}

function rule(alert: Alert, options: GrafanaRulesOptions): GrafanaRule {
  return {
    name: alert.name,
    for: `${alert.holds}s`,
    condition: "B",
    // A series that is not there raises nothing, as in Prometheus; that none is there is an alert of its own.
    noDataState: "OK",
    // A Prometheus that does not answer ends no alert; that nobody knows is the alert for it.
    execErrState: alert.name === "Mem0ExporterGone" ? "Alerting" : "KeepLast",
    labels: labelsOf(alert, options),
    annotations: annotationsOf(alert, options, "$values.A.Value"),
    isPaused: false,
    datas: [query(alert, options.datasourceUid), threshold(alert)],
  };
}

function query({ value, also }: Alert, datasourceUid: string): GrafanaQuery {
  const expr = also.length === 0 ? value : [`(${value})`, ...also].join(" and ");
  return {
    refId: "A",
    queryType: "",
    relativeTimeRange: { from: 600, to: 0 },
    datasourceUid,
    model: JSON.stringify({
      refId: "A",
      datasource: { type: "prometheus", uid: datasourceUid },
      editorMode: "code",
      expr,
      instant: true,
      range: false,
      ...DEFAULTS,
    }),
  };
}

function threshold({ comparison, threshold }: Alert): GrafanaQuery {
  return {
    refId: "B",
    queryType: "",
    relativeTimeRange: { from: 600, to: 0 },
    datasourceUid: EXPRESSIONS,
    model: JSON.stringify({
      refId: "B",
      datasource: { type: EXPRESSIONS, uid: EXPRESSIONS },
      type: "threshold",
      expression: "A",
      conditions: [{ evaluator: { type: comparison === ">" ? "gt" : "lt", params: [threshold] } }],
      ...DEFAULTS,
    }),
  };
}
