import { z } from "zod";
import type { Manifest } from "../../config/manifest.ts";
import { equal, type Series, seriesOf, TRAFFIC } from "../../observability/promql.ts";
import { parseExposition, type Sample } from "../../services/exporter/src/exposition.ts";
import { PROBE } from "../../services/exporter/src/parts/traffic.ts";
import { Problem } from "../base/problem.ts";

export type RowUnit = "state" | "count" | "bytes" | "seconds" | "age";

/** One line of the overview. */
export interface Row {
  title: string;
  unit: RowUnit;
  /** The value now; undefined when the part it comes from cannot be read. */
  now: number | undefined;
  /** PromQL for its past. */
  expr: string;
}

/** A value at evenly spaced times, oldest first; undefined where nothing was scraped. */
export type History = (number | undefined)[];

/** All that the exporter serves now. */
export async function readMetrics({ stack, observability }: Manifest): Promise<Sample[]> {
  if (observability === undefined || observability.exporter === "off") {
    throw new Problem(`stack ${stack} has no exporter`, {
      mend: `set mem0:observability.exporter to container, then: ./mem0 up ${stack}`,
    });
  }
  const url = `http://127.0.0.1:${observability.exporterPort}/metrics`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return parseExposition(await response.text());
  } catch (cause) {
    const mend = observability.exporter === "host" ? `./mem0 exporter ${stack}` : `./mem0 up ${stack}`;
    throw new Problem("the exporter does not answer", { where: url, mend, cause });
  }
}

/** What a person wants to know first, from one scrape. `now` is Unix seconds: ages are counted from it. */
export function overview(
  samples: readonly Sample[],
  watched: { job: string; stack: string },
  now: number,
): Row[] {
  const of = seriesOf(watched);
  const found = (name: Series, labels: Labels = {}) =>
    samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  const plain = (title: string, unit: RowUnit, name: Series, labels: Labels = {}): Row => ({
    title,
    unit,
    now: found(name, labels)[0]?.value,
    expr: of(name, ...matchers(labels)),
  });
  const requests = (title: string, name: Series, labels: Labels = {}): Row => {
    const counted = found(name, labels).filter((sample) => sample.labels.kind !== PROBE);
    const known = found("mem0_api_requests_total").length > 0;
    return {
      title,
      unit: "count",
      now: known ? counted.reduce((sum, { value }) => sum + value, 0) : undefined,
      expr: `sum(rate(${of(name, TRAFFIC, ...matchers(labels))}[5m]))`,
    };
  };
  const lastGood = "mem0_backup_last_success_timestamp_seconds";
  const tiers = found(lastGood).map(({ labels: { tier = "" }, value }) => ({
    title: `last good ${tier} backup, age`,
    unit: "age" as const,
    now: value === 0 ? undefined : now - value,
    expr: `time() - ${of(lastGood, equal("tier", tier))}`,
  }));
  const disks = found("mem0_disk_free_bytes").map(({ labels: { place = "" } }) =>
    plain(`free disk space, ${place}`, "bytes", "mem0_disk_free_bytes", { place }),
  );
  return [
    plain("memory server up", "state", "mem0_service_up"),
    plain("memory server ready", "state", "mem0_service_ready"),
    plain("PostgreSQL up", "state", "mem0_postgres_up"),
    plain("Neo4j up", "state", "mem0_neo4j_up"),
    plain("memories", "count", "mem0_memories_total"),
    plain("users", "count", "mem0_users_total"),
    plain("entities", "count", "mem0_neo4j_nodes"),
    plain("relationships", "count", "mem0_neo4j_relationships"),
    requests("requests since start; bars: rate", "mem0_api_requests_total"),
    requests("server errors since start; bars: rate", "mem0_api_errors_total", { status: "5xx" }),
    plain("database connections", "count", "mem0_database_connections"),
    plain("database size", "bytes", "mem0_database_size_bytes"),
    ...tiers,
    ...disks,
  ];
}

type Labels = Readonly<Record<string, string>>;

function matchers(labels: Labels): string[] {
  return Object.entries(labels).map(([label, value]) => equal(label, value));
}

const rangeAnswer = z.object({
  data: z.object({
    result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })),
  }),
});

/**
 * The last hours of each expression from Prometheus, or undefined when none answers.
 *
 * @param end Unix seconds
 * @param points values per expression
 */
export async function readHistory(
  { observability }: Manifest,
  expressions: readonly string[],
  { end, hours, points }: { end: number; hours: number; points: number },
): Promise<History[] | undefined> {
  if (observability?.prometheusUrl === undefined) return undefined;
  const base = observability.prometheusUrl;
  const step = (hours * 3600) / points;
  const start = end - step * (points - 1);
  const read = async (query: string): Promise<History> => {
    const range = { query, start: String(start), end: String(end), step: String(step) };
    const url = `${base}/api/v1/query_range?${new URLSearchParams(range)}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const values = rangeAnswer.parse(await response.json()).data.result[0]?.values ?? [];
    const byPoint = new Map(
      values.map(([time, value]) => [Math.round((time - start) / step), Number(value)]),
    );
    return Array.from({ length: points }, (_, point) => byPoint.get(point));
  };
  try {
    return await Promise.all(expressions.map(read));
  } catch {
    return undefined;
  }
}

const BARS = "▁▂▃▄▅▆▇█";

/** A history as a row of bars from its least to its greatest value; a gap where there is none. */
export function sparkline(history: History): string {
  const known = history.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return history
    .map((value) => {
      if (value === undefined || !Number.isFinite(value)) return " ";
      // What never changes lies low when it is nothing, and in the middle otherwise.
      const height = span === 0 ? (value === 0 ? 0 : 0.5) : (value - least) / span;
      return BARS[Math.round(height * (BARS.length - 1))];
    })
    .join("");
}
