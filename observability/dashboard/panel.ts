import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueTextMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  MappingType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Alert } from "../alerts/alert.ts";

/** One panel, as plain data. */
export interface PanelSpec {
  title: string;
  description: string;
  /** How values are written: a unit of Grafana. */
  unit: string;
  queries: readonly { expr: string; legend: string }[];
  /** `now` shows the last value, large; the others show values over time. */
  shape: "now" | "lines" | "bars";
  /** Names of the alerts about what is shown: their thresholds are the panel's, and their sections its links. */
  alerts?: readonly string[];
  /** Of the 24 columns. */
  width: 6 | 8 | 12 | 24;
  /** Words instead of numbers. */
  words?: Readonly<Record<string, string>>;
  /** Shows so long a past whatever the dashboard shows, e.g. `7d`. */
  past?: string;
}

/** A panel of states: numbers without a unit, as they are now, each told by its word. */
export function inWords(
  spec: Omit<PanelSpec, "unit" | "shape"> & Required<Pick<PanelSpec, "words">>,
): PanelSpec {
  return { ...spec, unit: units.Short, shape: "now" };
}

/** Unit of sizes: to the base of 1024 (KiB, MiB, GiB), as on the landing page and in alerts. */
export const SIZE = units.BytesIEC;

/** The datasource that the reader of the dashboard has chosen. */
export const DATASOURCE = { type: "prometheus", uid: "$datasource" };

const COLORS: Record<Alert["severity"], string> = { critical: "red", warning: "orange", none: "blue" };

/** @param runbook where the runbook can be read */
export function buildPanel(spec: PanelSpec, alerts: readonly Alert[], runbook: string): Builder<Panel> {
  const about = (spec.alerts ?? []).map((name) => {
    const alert = alerts.find((candidate) => candidate.name === name);
    if (alert === undefined) throw new Error(`panel "${spec.title}" names no alert: ${name}`);
    return alert;
  });
  const panel = (spec.shape === "now" ? now() : overTime(spec.shape, about.length > 0))
    .title(spec.title)
    .description(spec.description)
    .unit(spec.unit)
    .datasource(DATASOURCE)
    .span(spec.width)
    .height(8)
    .mappings(wordsFor(spec.words ?? {}))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(about)))
    .links(linksTo(about, runbook));
  for (const [index, { expr, legend }] of spec.queries.entries()) {
    const refId = String.fromCharCode("A".charCodeAt(0) + index);
    const query = new DataqueryBuilder().datasource(DATASOURCE).refId(refId).expr(expr).legendFormat(legend);
    panel.withTarget(spec.shape === "now" ? query.instant() : query.range());
  }
  return spec.past === undefined ? panel : panel.timeFrom(spec.past);
}

function now(): StatBuilder {
  return new StatBuilder()
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .colorMode(BigValueColorMode.Background)
    .textMode(BigValueTextMode.ValueAndName);
}

function overTime(shape: "lines" | "bars", limited: boolean): TimeseriesBuilder {
  const mode = limited ? GraphThresholdsStyleMode.DashedAndArea : GraphThresholdsStyleMode.Off;
  return new TimeseriesBuilder()
    .drawStyle(shape === "lines" ? GraphDrawStyle.Line : GraphDrawStyle.Bars)
    .fillOpacity(shape === "lines" ? 10 : 60)
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(mode))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
}

/** From the lowest up, each from its value on: what an alert is about has its colour on the side where it fires. */
function stepsOf(alerts: readonly Alert[]): Threshold[] {
  const below = alerts.find(({ comparison }) => comparison === "<");
  if (below !== undefined) {
    return [
      { value: null, color: COLORS[below.severity] },
      { value: below.threshold, color: "green" },
    ];
  }
  const above = [...alerts].sort((a, b) => a.threshold - b.threshold);
  return [
    { value: null, color: "green" },
    ...above.map(({ threshold, severity, unit }) => ({
      value: unit === "state" ? threshold + 1 : threshold,
      color: COLORS[severity],
    })),
  ];
}

function wordsFor(words: Readonly<Record<string, string>>): ValueMapping[] {
  const options = Object.fromEntries(Object.entries(words).map(([value, text]) => [value, { text }]));
  return Object.keys(options).length === 0 ? [] : [{ type: MappingType.ValueToText, options }];
}

function linksTo(alerts: readonly Alert[], runbook: string): Builder<DashboardLink>[] {
  const sections = new Set(alerts.map(({ section }) => section));
  return [...sections].map((section) =>
    new DashboardLinkBuilder(`Runbook: ${section.replaceAll("-", " ")}`)
      .type(DashboardLinkType.Link)
      .url(`${runbook}#${section}`)
      .targetBlank(true),
  );
}
