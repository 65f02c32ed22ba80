import { Registry } from "prom-client";
import { CATALOGUE, type Metric, type MetricName } from "./catalogue.ts";

type Labels = Readonly<Record<string, string>>;

interface Value {
  /** Differs from the metric's name in the lines of a histogram only. */
  metricName: string;
  labels: Labels;
  value: number;
}

/** Cumulative counts of a histogram by upper edge, as Prometheus writes them: the last edge is `+Inf`. */
export interface Distribution {
  buckets: ReadonlyMap<string, number>;
  sum: number;
  count: number;
}

/**
 * The values that one scrape found. Each scrape has its own page, so that two at the same time do not mix and nothing
 * stays from an earlier one: what was not found now has no value, neither an old one nor 0.
 */
export class Page {
  readonly #values = new Map<MetricName, Value[]>();
  #closed = false;

  /** Adds one value; after `close` it is dropped. */
  set(name: MetricName, value: number, labels: Labels = {}): void {
    this.#add(name, { metricName: name, labels, value });
  }

  distribution(name: MetricName, labels: Labels, { buckets, sum, count }: Distribution): void {
    for (const [le, value] of buckets) {
      this.#add(name, { metricName: `${name}_bucket`, labels: { ...labels, le }, value });
    }
    this.#add(name, { metricName: `${name}_sum`, labels, value: sum });
    this.#add(name, { metricName: `${name}_count`, labels, value: count });
  }

  /** The values of a metric; for a histogram, all of its lines. */
  values(name: MetricName): readonly Value[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of a metric that has one line only, or of the line with these labels; undefined when there is none. */
  value(name: MetricName, labels: Labels = {}): number | undefined {
    return this.values(name).find((line) =>
      Object.entries(labels).every(([key, value]) => line.labels[key] === value),
    )?.value;
  }

  /** Adds all values of another page. */
  add(other: Page): void {
    for (const [name, values] of other.#values) for (const value of values) this.#add(name, value);
  }

  close(): void {
    this.#closed = true;
  }

  /** The page in Prometheus' text format, with a type and a help line also for what has no value now. */
  render(): Promise<string> {
    const registry = new Registry();
    for (const [name, metric] of Object.entries(CATALOGUE) as [MetricName, Metric][]) {
      // What the exporter counts itself is kept from scrape to scrape, elsewhere.
      if (isOwn(name)) continue;
      const { help, type } = metric;
      const values = this.values(name);
      const lines = { name, help, type, aggregator: "sum", get: async () => ({ name, help, type, values }) };
      registry.registerMetric(lines as unknown as Parameters<Registry["registerMetric"]>[0]);
    }
    return registry.metrics();
  }

  #add(name: MetricName, value: Value): void {
    if (this.#closed) return;
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }
}

/** Counters and histograms that live as long as the exporter. */
const OWN = [
  "mem0_exporter_part_errors_total",
  "mem0_exporter_query_duration_seconds",
  "mem0_exporter_scrape_duration_seconds",
] as const satisfies readonly MetricName[];

export type OwnMetric = (typeof OWN)[number];

function isOwn(name: MetricName): name is OwnMetric {
  return (OWN as readonly MetricName[]).includes(name);
}
