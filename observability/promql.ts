import type { CATALOGUE, MetricName } from "../services/exporter/src/catalogue.ts";

type Histogram = {
  [Name in MetricName]: (typeof CATALOGUE)[Name]["type"] extends "histogram" ? Name : never;
}[MetricName];

/** What stands in an expression: a metric of the catalogue, or one of the lines of a histogram. */
export type Series = Exclude<MetricName, Histogram> | `${Histogram}_${"bucket" | "sum" | "count"}`;

/** A series of one stack, with further label matchers such as `kind="read"`. */
export type Select = (series: Series, ...matchers: string[]) => string;

/** @param scope matchers that every series of the stack gets, such as `job="mem0-metrics"` */
export function selector(...scope: string[]): Select {
  return (series, ...matchers) => `${series}{${[...scope, ...matchers].join(",")}}`;
}

/** Health checks are no traffic. */
export const TRAFFIC = 'kind!="probe"';

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

/** Memories that the newest good backup holds, whatever its tier. */
export function memoriesInLastBackup(of: Select, by: string): string {
  const time = of("mem0_backup_last_success_timestamp_seconds");
  const newest = `${time} == on (${by}) group_left () max by (${by}) (${time})`;
  return `max by (${by}) (${of("mem0_backup_last_success_memories")} and on (${by}, tier) (${newest}))`;
}
