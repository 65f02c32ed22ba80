import type { CATALOGUE, MetricName } from "../services/exporter/src/catalogue.ts";
import { PROBE } from "../services/exporter/src/parts/traffic.ts";

type Histogram = {
  [Name in MetricName]: (typeof CATALOGUE)[Name]["type"] extends "histogram" ? Name : never;
}[MetricName];

/** What stands in an expression: a metric of the catalogue, one of the lines of a histogram, or Prometheus' own `up`. */
export type Series = Exclude<MetricName, Histogram> | `${Histogram}_${"bucket" | "sum" | "count"}` | "up";

/** PromQL of a series of one stack, with further label matchers such as `kind="read"`. */
export type Select = (series: Series, ...matchers: string[]) => string;

/** @param scope matchers that every series gets, such as `job="mem0-metrics"` */
export function selector(...scope: string[]): Select {
  return (series, ...matchers) => `${series}{${[...scope, ...matchers].join(",")}}`;
}

/** The series of a stack, as the scrape job labels them. */
export function seriesOf({ job, stack }: { job: string; stack: string }): Select {
  return selector(equal("job", job), equal("stack", stack));
}

/** Matcher of one value of a label. */
export function equal(label: string, value: string): string {
  return `${label}="${value}"`;
}

/** Matcher that leaves out health checks, which are no traffic. */
export const TRAFFIC = `kind!="${PROBE}"`;

/** Share of the requests that the server failed to answer, in a window such as `5m`; one per label of `by`. */
export function errorShare(of: Select, window: string, by: string): string {
  const errors = of("mem0_api_errors_total", TRAFFIC, 'status="5xx"');
  const requests = of("mem0_api_requests_total", TRAFFIC);
  return `sum by (${by}) (rate(${errors}[${window}])) / sum by (${by}) (rate(${requests}[${window}]))`;
}

/** Time within which a share of the answers came, e.g. 0.95; `kind` is read or write. */
export function answerTime(of: Select, quantile: number, kind: string, window: string, by: string): string {
  const buckets = of("mem0_api_response_time_seconds_bucket", kind);
  return `histogram_quantile(${quantile}, sum by (le, ${by}) (rate(${buckets}[${window}])))`;
}

/** Share of the connections that PostgreSQL allows which are taken. */
export function connectionsTaken(of: Select): string {
  return `${of("mem0_database_connections")} / ${of("mem0_database_connections_max")}`;
}

/** Age of each tier's last good backup, in runs of the tier; nothing for a tier without a good one. */
export function backupAge(of: Select): string {
  const good = of("mem0_backup_last_success_timestamp_seconds");
  return `(time() - (${good} > 0)) / ${of("mem0_backup_interval_seconds")}`;
}

/** Share of the memories of the newest good backup, whatever its tier, that are no longer there; below 0: new ones. */
export function memoriesGone(of: Select, by: string): string {
  const time = of("mem0_backup_last_success_timestamp_seconds");
  const newest = `${time} == on (${by}) group_left () max by (${by}) (${time})`;
  const inBackup = `max by (${by}) (${of("mem0_backup_last_success_memories")} and on (${by}, tier) (${newest}))`;
  return `1 - max by (${by}) (${of("mem0_memories_total")}) / ${inBackup}`;
}
