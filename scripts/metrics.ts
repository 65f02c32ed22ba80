import { InvalidArgumentError } from "commander";
import {
  type History,
  overview,
  type Row,
  readHistory,
  readMetrics,
  sparkline,
} from "../ops/stack/metrics.ts";
import type { Sample } from "../services/exporter/src/exposition.ts";
import { age, bytes, count, seconds } from "../services/exporter/src/format.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

/** Bars of a sparkline: half an hour each over a day fits a terminal. */
const POINTS = 48;

export const verb = defineVerb<{ hours: number; all?: boolean }>({
  declare: (command) =>
    command
      .option("-H, --hours <count>", "how far back the bars go", hours, 6)
      .option("-a, --all", "every value that the exporter serves"),
  json: "the values",
  examples: ["metrics test --hours 24"],
  run: async (call) => {
    const { manifest } = call.deployed();
    const { stack } = manifest;
    const samples = await readMetrics(manifest);
    if (call.options.all === true) return { text: everySample(samples), json: { stack, samples } };
    const { hours } = call.options;
    const end = Date.now() / 1000;
    const rows = overview(samples, { job: manifest.observability?.job ?? "", stack }, end);
    const expressions = rows.map(({ expr }) => expr);
    const past = await readHistory(manifest, expressions, { end, hours, points: POINTS });
    const values = rows.map(({ title, unit, now }, index) => ({
      title,
      unit,
      now: now ?? null,
      history: past?.[index]?.map((value) => value ?? null) ?? null,
    }));
    return { text: withPast(rows, past, hours), json: { stack, hours, values } };
  },
});

function everySample(samples: Sample[]): string {
  const rows = samples.map(({ name, labels, value }) => [name, labelText(labels), String(value)]);
  return table(["metric", "labels", "value"], rows);
}

function withPast(rows: Row[], past: History[] | undefined, hours: number): string {
  if (past === undefined) {
    const now = table(
      ["what", "now"],
      rows.map((row) => [row.title, render(row)]),
    );
    return `${now}\n\nno Prometheus answers: there is no past to show`;
  }
  const lines = rows.map((row, index) => [row.title, render(row), sparkline(past[index] ?? [])]);
  return table(["what", "now", `last ${hours} h`], lines);
}

function render({ now, unit }: Row): string {
  if (now === undefined) return "unknown";
  if (unit === "state") return now === 1 ? "yes" : "NO";
  return { count, bytes, seconds, age }[unit](now);
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

function hours(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 8760) return value;
  throw new InvalidArgumentError("allowed: a number of hours up to 8760");
}
