import { type Command, InvalidArgumentError } from "commander";
import { overview, type Row, readHistory, readMetrics, sparkline } from "../ops/stack/metrics.ts";
import { age, bytes, count, seconds } from "../services/exporter/src/format.ts";
import { deployedStack } from "./cli/context.ts";
import { printJson, table } from "./cli/output.ts";

interface Options {
  hours: number;
  all?: boolean;
  json?: boolean;
}

/** Bars of a sparkline: half an hour each over a day fits a terminal. */
const POINTS = 48;

export function register(program: Command): void {
  program
    .command("metrics")
    .description("current values of what is watched, with their last hours")
    .argument("[stack]", "stack", "test")
    .option("-H, --hours <count>", "how far back the bars go", hours, 6)
    .option("-a, --all", "every value that the exporter serves")
    .option("--json", "print the values as JSON")
    .addHelpText("after", "\nExample:\n  ./mem0 metrics test --hours 24")
    .action(metrics);
}

async function metrics(stack: string, options: Options): Promise<void> {
  const { manifest } = deployedStack(stack);
  const samples = await readMetrics(manifest);
  if (options.all === true) {
    if (options.json === true) return printJson({ stack, samples });
    const rows = samples.map(({ name, labels, value }) => [name, labelText(labels), String(value)]);
    return console.log(table(["metric", "labels", "value"], rows));
  }
  const end = Date.now() / 1000;
  const rows = overview(samples, { job: manifest.observability?.job ?? "", stack }, end);
  const expressions = rows.map(({ expr }) => expr);
  const past = await readHistory(manifest, expressions, { end, hours: options.hours, points: POINTS });
  if (options.json === true) {
    const values = rows.map(({ title, unit, now }, index) => ({
      title,
      unit,
      now: now ?? null,
      history: past?.[index]?.map((value) => value ?? null) ?? null,
    }));
    return printJson({ stack, hours: options.hours, values });
  }
  const head = ["what", "now", ...(past === undefined ? [] : [`last ${options.hours} h`])];
  const lines = rows.map((row, index) => [
    row.title,
    render(row),
    ...(past === undefined ? [] : [sparkline(past[index] ?? [])]),
  ]);
  console.log(table(head, lines));
  if (past === undefined) console.log("\nno Prometheus answers: there is no past to show");
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
