import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { alertOptions, alertsOf } from "../../../observability/alerts.ts";
import { grafanaRuleGroups } from "../../../observability/grafana-rules.ts";
import { expression, prometheusRules } from "../../../observability/prometheus-rules.ts";
import { anchorOf, runbookPage } from "../../../observability/runbook-page.ts";
import { CATALOGUE } from "../../../services/exporter/src/catalogue.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";

const options = { ...alertOptions(exampleSettings({}, "prd")), bot: true };
const alerts = alertsOf(options);
const runbook = readFileSync(path.resolve(import.meta.dirname, "../../../docs/runbook.md"), "utf8");
const names = alerts.map(({ name }) => name);

interface PrometheusRule {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const inPrometheus = (
  parse(prometheusRules(options)) as { groups: { rules: PrometheusRule[] }[] }
).groups.flatMap(({ rules }) => rules);
const inGrafana = grafanaRuleGroups({ ...options, datasourceUid: "mem0-prometheus" }).flatMap(
  ({ rules }) => rules,
);

describe("the alerts", () => {
  it("are about the Telegram bot only where there is one that the exporter reaches", () => {
    const bot = {
      telegram: { users: { 4001: "anna" } },
      telegramToken: "730000001:AAtests-of-mem0_and_of_nothing_else",
    };
    const telegram = (groups: Record<string, unknown>) =>
      alertsOf(alertOptions(exampleSettings(groups))).filter(({ group }) => group === "telegram");
    expect(telegram({})).toEqual([]);
    expect(telegram({ ...bot, observability: { exporter: "host" } })).toEqual([]);
    expect(telegram(bot)).toHaveLength(4);
  });

  it("have names of their own", () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it("are the same in Prometheus and in Grafana: names, times, labels, summaries and links", () => {
    expect(inPrometheus.map(({ alert }) => alert)).toEqual(names);
    expect(
      inGrafana.map(({ name, for: holds, labels, annotations: { summary, runbook_url } }) => ({
        alert: name,
        for: holds,
        labels,
        summary,
        runbook_url,
      })),
    ).toEqual(
      inPrometheus.map(({ alert, for: holds, labels, annotations: { summary, runbook_url } }) => ({
        alert,
        for: holds,
        labels,
        summary,
        runbook_url,
      })),
    );
  });

  it.each(alerts)("$name asks for one stack only, and for metrics that there are", (alert) => {
    const known = Object.keys(CATALOGUE);
    const asked = expression(alert).match(/\b(?:mem0_\w+|up)\{[^}]*\}/g) ?? [];
    expect(asked.length).toBe(alert.name === "Mem0Watchdog" ? 0 : Math.max(asked.length, 1));
    for (const series of asked) {
      expect(series).toContain('job="mem0-metrics",stack="prd"');
      const name = series.replace(/\{.*/, "");
      if (name !== "up") expect(known).toContain(name.replace(/_(bucket|sum|count)$/, ""));
    }
  });

  it.each(alerts)(
    "$name tells its value, and leads to a section of the runbook that names it",
    ({ name, description, section }) => {
      expect(description).toContain("{value}");
      const sections = new Map(
        runbook.split(/^#+ /m).map((text) => [anchorOf(text.split("\n")[0] ?? ""), text] as const),
      );
      expect(sections.get(section)).toContain(`\`${name}\``);
    },
  );

  it("lead to anchors that the page of the runbook has, with the commands as they stand in it", () => {
    const page = runbookPage(runbook);
    for (const { section } of alerts) expect(page).toContain(` id="${section}"`);
    expect(page).toContain(">docker logs mem0_server_test --tail 50");
    expect(page).not.toMatch(/<script|https?:\/\/(?!127\.0\.0\.1)/);
  });

  it.each(alerts)(
    "$name says nothing of a past that may not have been watched yet",
    ({ summary, description }) => {
      const words = "\\d+|one|two|three|four|five|six|seven|few|some";
      expect(`${summary}. ${description}`).not.toMatch(
        new RegExp(`\\b(?:last|past) (?:(?:${words}) ?)?(?:m|h|d|minutes?|hours?|days?|weeks?)\\b`),
      );
    },
  );

  it("take their thresholds from the settings, and say them", () => {
    const changed = alertsOf({
      ...options,
      thresholds: { ...options.thresholds, availability: 0.999, readSeconds: 0.5, diskFreeGb: 50 },
    });
    const of = (name: string) => changed.find((alert) => alert.name === name);
    expect(of("Mem0ErrorBudgetBurnFast")).toMatchObject({
      threshold: 0.0144,
      description: expect.stringContaining(
        "the limit of this alert is 1.44 %, 14.4 times what an objective of 99.9 % allows",
      ),
    });
    expect(of("Mem0ReadsSlow")).toMatchObject({
      threshold: 0.5,
      description: expect.stringContaining("the goal is 0.5 s"),
    });
    expect(of("Mem0DiskSpaceLow")).toMatchObject({ threshold: 50 * 1024 ** 3 });
  });
});

describe("a rule of Grafana", () => {
  const rule = (name: string) => inGrafana.find((candidate) => candidate.name === name);

  it("asks Prometheus for the value and holds the threshold against it", () => {
    const [query, threshold] = rule("Mem0ConnectionsRunOut")?.datas ?? [];
    expect(query).toMatchObject({ refId: "A", datasourceUid: "mem0-prometheus" });
    expect(JSON.parse(query?.model ?? "")).toMatchObject({
      expr: alerts.find(({ name }) => name === "Mem0ConnectionsRunOut")?.value,
      instant: true,
    });
    expect(threshold).toMatchObject({ refId: "B", datasourceUid: "__expr__" });
    expect(JSON.parse(threshold?.model ?? "")).toMatchObject({
      expression: "A",
      conditions: [{ evaluator: { type: "gt", params: [0.8] } }],
    });
  });

  it.each(inGrafana)(
    "$name has what Grafana would fill in, so that no deployment finds a change",
    ({ datas, condition }) => {
      expect(condition).toBe("B");
      for (const { model, refId } of datas) {
        expect(JSON.parse(model)).toMatchObject({ refId, intervalMs: 1000, maxDataPoints: 43200 });
      }
    },
  );

  it("that nobody knows is raised when Prometheus cannot be asked; the others stay as they were", () => {
    const raised = inGrafana.filter(({ execErrState }) => execErrState === "Alerting");
    expect(raised.map(({ name }) => name)).toEqual(["Mem0ExporterGone"]);
  });

  it("shows its value and labels in Grafana's own words", () => {
    expect(rule("Mem0DiskFillsUp")?.annotations.description).toBe(
      "The disk of {{ $labels.place }} is full in {{ $values.A.Value | humanizeDuration }} if it goes on filling as it does.",
    );
  });
});
