import { Counter, Histogram, Registry } from "prom-client";
import { CATALOGUE } from "./catalogue.ts";
import { REASONS, type Reason } from "./failure.ts";
import type { OwnMetric } from "./page.ts";
import type { PartName } from "./parts/part.ts";

/** Runs a query and notes how long it took. */
export type Timer = <T>(store: "postgres" | "neo4j", query: string, run: () => Promise<T>) => Promise<T>;

/** Upper edges in seconds, from a quick query to the time-out of a scrape. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the exporter counts about itself, from its start on. */
export class OwnMetrics {
  readonly #registry = new Registry();
  readonly #errors = new Counter(this.#definition("mem0_exporter_part_errors_total"));
  readonly #queries = new Histogram({
    ...this.#definition("mem0_exporter_query_duration_seconds"),
    buckets: BUCKETS,
  });
  readonly #scrapes = new Histogram({
    ...this.#definition("mem0_exporter_scrape_duration_seconds"),
    buckets: BUCKETS,
  });

  /** @param parts of the scrapes: the failures of each begin at 0 */
  constructor(parts: readonly PartName[]) {
    for (const part of parts) for (const reason of REASONS) this.#errors.inc({ part, reason }, 0);
  }

  failed(part: PartName, reason: Reason): void {
    this.#errors.inc({ part, reason });
  }

  scraped(seconds: number): void {
    this.#scrapes.observe(seconds);
  }

  readonly time: Timer = async (store, query, run) => {
    const stop = this.#queries.startTimer({ store, query });
    try {
      return await run();
    } finally {
      stop();
    }
  };

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #definition(name: OwnMetric) {
    const { help, labels } = CATALOGUE[name];
    return { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
  }
}
