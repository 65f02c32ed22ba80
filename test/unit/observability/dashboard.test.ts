import { describe, expect, it } from "vitest";
import type { AlertOptions } from "../../../observability/alerts/alert.ts";
import { alertOptions, alertsOf } from "../../../observability/alerts.ts";
import { dashboardJson } from "../../../observability/dashboard/dashboard.ts";
import { CATALOGUE } from "../../../services/exporter/src/catalogue.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";

interface Step {
  value: number | null;
  color: string;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { unit?: string; thresholds: { steps: Step[] } } };
  links: { url: string }[];
  targets: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
}

interface Dashboard {
  uid: string;
  title: string;
  editable: boolean;
  id?: number;
  version?: number;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string }[] };
  annotations: { list: { name: string; expr: string }[] };
  links: { url: string }[];
}

const options = alertOptions(exampleSettings({}, "prd"));
const dashboardOf = (chosen: AlertOptions) => JSON.parse(dashboardJson(chosen)) as Dashboard;
const dashboard = dashboardOf(options);
const panels = dashboard.panels.filter(({ type }) => type !== "row");
const panelOf = (title: string, from = dashboard) => {
  const panel = from.panels.find((candidate) => candidate.title === title);
  if (panel === undefined) throw new Error(`there is no panel ${title}`);
  return panel;
};

describe("the dashboard", () => {
  it("has the address that the guide names, and cannot be changed by hand", () => {
    expect(dashboard).toMatchObject({ uid: "mem0-dashboard", editable: false, schemaVersion: 42 });
    const slug = dashboard.title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/-$/, "");
    expect(slug).toBe("personal-ai-memory-mem0");
    expect(dashboard).not.toHaveProperty("id");
    expect(dashboard).not.toHaveProperty("version");
  });

  it("begins with the guide's ten panels, in its order; rows follow", () => {
    expect(dashboard.panels.slice(0, 10).map(({ title }) => title)).toEqual([
      "Service Health Overview",
      "Total Memories Stored",
      "Active Users",
      "API Response Time",
      "Database Query Duration",
      "Database Size",
      "Active Database Connections",
      "API Request Rate",
      "API Error Rate",
      "Memory Growth (7 days)",
    ]);
    const rows = dashboard.panels.filter(({ type }) => type === "row").map(({ title }) => title);
    expect(rows).toEqual(["Goals", "Neo4j", "Backups", "Containers"]);
  });

  it("asks for data source, job and instance", () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance"]);
  });

  it("marks deployments and backups, and leads to the runbook", () => {
    expect(dashboard.annotations.list.map(({ name }) => name)).toEqual([
      "Deployments and restarts",
      "Backups",
    ]);
    expect(dashboard.links.map(({ url }) => url)).toEqual([options.runbook]);
  });

  it("has panels that neither overlap nor share a number", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), `${title} at ${x},${y}`).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe.each(panels)("panel $title", ({ description, datasource, fieldConfig, targets }) => {
  const { unit, thresholds } = fieldConfig.defaults;

  it("has a description, a unit and queries of the chosen data source", () => {
    expect(description).toMatch(/\.$/);
    expect(unit).toBeTruthy();
    expect(targets.length).toBeGreaterThan(0);
    for (const uid of [datasource?.uid, ...targets.map((target) => target.datasource.uid)]) {
      expect(uid).toBe("$datasource");
    }
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    for (const { legendFormat } of targets) expect(legendFormat).not.toBe("");
  });

  it("asks for one job and instance, and for metrics that there are", () => {
    for (const { expr } of targets) {
      const asked = expr.match(/\bmem0_\w+(\{[^}]*\})?/g) ?? [];
      expect(asked.length).toBeGreaterThan(0);
      for (const series of asked) {
        expect(series).toContain('job="$job",instance="$instance"');
        expect(Object.keys(CATALOGUE)).toContain(
          series.replace(/\{.*/, "").replace(/(?<=_seconds)_bucket$/, ""),
        );
      }
    }
  });

  it("has thresholds that rise", () => {
    const [first, ...rest] = thresholds.steps;
    expect(first?.value).toBe(null);
    const values = rest.map(({ value }) => value ?? Number.NaN);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });
});

describe("a panel that an alert is about", () => {
  it.each([
    ["Share of Failed Requests", [0.06, 0.144], ["green", "orange", "red"]],
    ["Connections Taken", [0.8], ["green", "orange"]],
    ["Read p95", [1], ["green", "orange"]],
    ["Write p95", [5], ["green", "orange"]],
    ["API Response Time", [1, 5], ["green", "orange", "orange"]],
    ["Service Health Overview", [1], ["red", "green"]],
    ["Data Identity", [1], ["red", "green"]],
    ["Free Disk Space", [10 * 1024 ** 3], ["red", "green"]],
    ["Last Backups", [1, 1], ["green", "red", "red"]],
    ["Age of the Last Good Backup", [2], ["green", "red"]],
    ["Memories Gone Since the Last Good Backup", [0.2], ["green", "red"]],
    ["Restore Drill", [35 * 86_400], ["green", "orange"]],
  ])("%s changes its colour where the alert is raised", (title, values, colors) => {
    const { steps } = panelOf(title).fieldConfig.defaults.thresholds;
    expect(steps.slice(1).map(({ value }) => value)).toEqual(values);
    expect(steps.map(({ color }) => color)).toEqual(colors);
  });

  it("follows the settings, and leads to the runbook's section", () => {
    const other = dashboardOf({ ...options, thresholds: { ...options.thresholds, readSeconds: 0.25 } });
    const { fieldConfig, links } = panelOf("Read p95", other);
    expect(fieldConfig.defaults.thresholds.steps[1]?.value).toBe(0.25);
    expect(links.map(({ url }) => url)).toEqual([`${options.runbook}#answers-are-slow`]);
  });

  it.each([false, true])("is there for every alert whose value can be drawn (a bot: %s)", (bot) => {
    const linked = new Set(
      dashboardOf({ ...options, bot }).panels.flatMap(({ links = [] }) =>
        links.map(({ url }) => url.split("#")[1]),
      ),
    );
    const missing = alertsOf({ ...options, bot }).filter(({ section }) => !linked.has(section));
    expect(missing.map(({ name }) => name)).toEqual(["Mem0Watchdog"]);
  });
});
