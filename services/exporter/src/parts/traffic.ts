import type { MetricName } from "../catalogue.ts";
import type { Sample } from "../exposition.ts";
import type { Distribution, Page } from "../page.ts";

type Labels = Sample["labels"];

/** Kind of the requests that are no traffic: health checks. */
export const PROBE = "probe";

/** Kinds of requests, by route template of the memory server, where the HTTP method does not tell. */
const KINDS: Record<string, string> = {
  "/health": PROBE,
  "/ready": PROBE,
  "/admin/canary": PROBE,
  "/search": "read",
  "/import": "bulk",
  "/export": "bulk",
  "/reset": "admin",
  "/configure": "admin",
  "/": "none",
  none: "none",
};

/** What a request was for: reads and writes have goals of their own, health checks are no traffic. */
export function kindOf(route: string, method: string): string {
  const known = KINDS[route];
  if (known !== undefined) return known;
  if (route.startsWith("/admin")) return "admin";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}

/** Metrics of the server that are served as they are, under names of the catalogue. */
const PASSED_ON: Record<string, MetricName> = {
  mem0_server_ready: "mem0_service_ready",
  mem0_server_writes_in_flight: "mem0_writes_in_flight",
  mem0_server_repairs_pending: "mem0_repairs_pending",
  mem0_server_repairs_parked: "mem0_repairs_parked",
};

/** Serves the memory server's own metrics under the names and labels of the catalogue. */
export function reexport(samples: readonly Sample[], page: Page): void {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const of = (name: string) => byName.get(name) ?? [];

  requests(of("mem0_server_requests_total"), page);
  for (const { labels, distribution } of distributions("mem0_server_request_duration_seconds", byName)) {
    page.distribution("mem0_api_response_time_seconds", withKind(labels), distribution);
  }
  for (const { labels, distribution } of distributions("mem0_server_call_duration_seconds", byName)) {
    const { target = "", operation = "" } = labels;
    if (target === "model") page.distribution("mem0_model_duration_seconds", { operation }, distribution);
    else page.distribution("mem0_query_duration_seconds", { store: target, operation }, distribution);
  }
  for (const { labels, value } of of("mem0_server_call_errors_total"))
    page.set("mem0_call_errors_total", value, labels);

  // Each begins at 0, so that the first write counts as an increase.
  const written = new Map(["ADD", "UPDATE", "DELETE"].map((event) => [event, 0]));
  for (const { labels, value } of of("mem0_server_memory_events_total"))
    written.set(labels.event ?? "", value);
  for (const [event, value] of written) page.set("mem0_writes_total", value, { event });

  for (const [theirs, ours] of Object.entries(PASSED_ON)) {
    for (const { value } of of(theirs)) page.set(ours, value);
  }
  for (const { labels } of of("mem0_server_info")) {
    page.set("mem0_component_info", 1, { component: "server", version: labels.version ?? "" });
  }
  const component = { component: "server" };
  for (const { value } of of("process_start_time_seconds"))
    page.set("mem0_component_start_time_seconds", value, component);
  for (const { value } of of("process_resident_memory_bytes"))
    page.set("mem0_component_memory_bytes", value, component);
}

function requests(samples: readonly Sample[], page: Page): void {
  const totals = new Map<string, { labels: Labels; value: number }>();
  const add = (labels: Labels, value: number) => {
    const key = JSON.stringify(labels);
    const total = totals.get(key);
    if (total === undefined) totals.set(key, { labels, value });
    else total.value += value;
  };
  for (const { labels, value } of samples) {
    const route = withKind(labels);
    // Errors of each route begin at 0, so that the first one counts as an increase.
    for (const status of ["4xx", "5xx"]) add({ ...route, status }, 0);
    add({ ...route, status: `${(labels.status ?? "").slice(0, 1)}xx` }, value);
  }
  for (const { labels, value } of totals.values()) {
    const error = labels.status === "4xx" || labels.status === "5xx";
    if (!error || value > 0) page.set("mem0_api_requests_total", value, labels);
    if (error) page.set("mem0_api_errors_total", value, labels);
  }
}

function withKind({ route = "none", method = "" }: Labels): Labels {
  return { route, method, kind: kindOf(route, method) };
}

/** The histograms of one name, put together from their lines. */
function distributions(
  name: string,
  byName: ReadonlyMap<string, readonly Sample[]>,
): { labels: Labels; distribution: Distribution }[] {
  const sums = byName.get(`${name}_sum`) ?? [];
  const counts = new Map(
    (byName.get(`${name}_count`) ?? []).map(({ labels, value }) => [histogramOf(labels), value]),
  );
  const buckets = Map.groupBy(byName.get(`${name}_bucket`) ?? [], ({ labels }) => histogramOf(labels));
  return sums.map(({ labels, value: sum }) => {
    const histogram = histogramOf(labels);
    const edges = new Map(
      (buckets.get(histogram) ?? []).map(({ labels: { le = "" }, value }) => [le, value]),
    );
    return { labels, distribution: { buckets: edges, sum, count: counts.get(histogram) ?? 0 } };
  });
}

/** What `histogramOf` found, by the labels: parseExposition hands out the same objects in the next scrape. */
const HISTOGRAMS = new WeakMap<Labels, string>();

/** The same for all lines of one histogram: their labels without the bucket's edge, as text. */
function histogramOf(labels: Labels): string {
  const known = HISTOGRAMS.get(labels);
  if (known !== undefined) return known;
  const { le: _, ...rest } = labels;
  const histogram = JSON.stringify(Object.entries(rest).sort());
  HISTOGRAMS.set(labels, histogram);
  return histogram;
}
