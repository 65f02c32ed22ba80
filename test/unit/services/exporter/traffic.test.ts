import { describe, expect, it } from "vitest";
import { parseExposition } from "../../../../services/exporter/src/exposition.ts";
import { Page } from "../../../../services/exporter/src/page.ts";
import { kindOf, reexport } from "../../../../services/exporter/src/parts/traffic.ts";

const SERVER = `
mem0_server_requests_total{route="/search",method="POST",status="200"} 7
mem0_server_requests_total{route="/search",method="POST",status="204"} 1
mem0_server_requests_total{route="/search",method="POST",status="503"} 2
mem0_server_requests_total{route="/health",method="GET",status="200"} 90
mem0_server_request_duration_seconds_bucket{route="/search",method="POST",le="1.0"} 9
mem0_server_request_duration_seconds_bucket{route="/search",method="POST",le="+Inf"} 10
mem0_server_request_duration_seconds_count{route="/search",method="POST"} 10
mem0_server_request_duration_seconds_sum{route="/search",method="POST"} 2.5
mem0_server_call_duration_seconds_bucket{target="model",operation="embed",le="+Inf"} 3
mem0_server_call_duration_seconds_count{target="model",operation="embed"} 3
mem0_server_call_duration_seconds_sum{target="model",operation="embed"} 0.3
mem0_server_call_duration_seconds_bucket{target="neo4j",operation="apply",le="+Inf"} 4
mem0_server_call_duration_seconds_count{target="neo4j",operation="apply"} 4
mem0_server_call_duration_seconds_sum{target="neo4j",operation="apply"} 0.4
mem0_server_memory_events_total{event="ADD"} 5
mem0_server_ready 1.0
`;

function exported(text: string): Page {
  const page = new Page();
  reexport(parseExposition(text), page);
  return page;
}

describe("the kind of a request", () => {
  it.each([
    ["/memories", "GET", "read"],
    ["/memories", "POST", "write"],
    ["/memories/{memory_id}", "DELETE", "write"],
    ["/memories/{memory_id}/history", "GET", "read"],
    ["/search", "POST", "read"],
    ["/export", "GET", "bulk"],
    ["/import", "POST", "bulk"],
    ["/admin/maintenance", "POST", "admin"],
    ["/admin/canary", "POST", "probe"],
    ["/health", "GET", "probe"],
    ["/ready", "GET", "probe"],
    ["none", "GET", "none"],
  ])("%s %s is %3$s", (route, method, kind) => {
    expect(kindOf(route, method)).toBe(kind);
  });
});

describe("the server's traffic", () => {
  const search = { route: "/search", method: "POST", kind: "read" };

  it("is counted by route, kind and status class", () => {
    const page = exported(SERVER);
    expect(page.value("mem0_api_requests_total", { ...search, status: "2xx" })).toBe(8);
    expect(page.value("mem0_api_requests_total", { ...search, status: "5xx" })).toBe(2);
    expect(page.value("mem0_api_requests_total", { route: "/health" })).toBe(90);
  });

  it("has an error count of 0 from a route's first request on, so that the first error is an increase", () => {
    const page = exported(SERVER);
    expect(page.value("mem0_api_errors_total", { ...search, status: "5xx" })).toBe(2);
    expect(page.value("mem0_api_errors_total", { ...search, status: "4xx" })).toBe(0);
    expect(page.value("mem0_api_errors_total", { route: "/health", status: "5xx" })).toBe(0);
    expect(page.values("mem0_api_errors_total").map(({ labels }) => labels.status)).not.toContain("2xx");
  });

  it("keeps each histogram whole, with the model's calls apart from the stores'", () => {
    const page = exported(SERVER);
    const lines = (name: Parameters<Page["values"]>[0]) =>
      page
        .values(name)
        .map(({ metricName, labels, value }) => [metricName.slice(name.length), labels.le, value]);
    expect(lines("mem0_api_response_time_seconds")).toEqual([
      ["_bucket", "1.0", 9],
      ["_bucket", "+Inf", 10],
      ["_sum", undefined, 2.5],
      ["_count", undefined, 10],
    ]);
    expect(page.values("mem0_query_duration_seconds").map(({ labels }) => labels.store)).toEqual(
      Array(3).fill("neo4j"),
    );
    expect(page.value("mem0_model_duration_seconds", { operation: "embed" })).toBe(3);
  });

  it("says nothing where the server says nothing", () => {
    const page = exported("");
    expect(page.values("mem0_service_ready")).toEqual([]);
    expect(page.values("mem0_api_requests_total")).toEqual([]);
  });
});
