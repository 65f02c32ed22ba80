import { describe, expect, it } from "vitest";
import { overview, sparkline } from "../../../../ops/stack/metrics.ts";
import { parseExposition } from "../../../../services/exporter/src/exposition.ts";

describe("a row of bars", () => {
  it("goes from the least to the greatest value, with gaps where nothing was scraped", () => {
    expect(sparkline([0, undefined, 5, 10])).toBe("▁ ▅█");
  });

  it("that never changes is flat: low for nothing, else in the middle", () => {
    expect(sparkline([0, 0])).toBe("▁▁");
    expect(sparkline([3, 3])).toBe("▅▅");
    expect(sparkline([undefined, Number.NaN])).toBe("  ");
  });
});

describe("the overview", () => {
  const at = { job: "j", stack: "s" };
  const row = (text: string, title: string) =>
    overview(parseExposition(text), at, 1_000).find((candidate) => candidate.title.startsWith(title));

  it("leaves health checks out of the traffic", () => {
    const text =
      'mem0_api_requests_total{kind="read",status="2xx"} 3\nmem0_api_requests_total{kind="probe",status="2xx"} 99\n';
    expect(row(text, "requests")).toMatchObject({
      now: 3,
      expr: 'sum(rate(mem0_api_requests_total{job="j",stack="s",kind!="probe"}[5m]))',
    });
  });

  it("knows nothing where the exporter tells nothing, rather than 0", () => {
    expect(row("", "memories")?.now).toBeUndefined();
    expect(row("", "requests")?.now).toBeUndefined();
  });

  it("shows the age of each tier's last good backup; one that never was has none", () => {
    const text =
      'mem0_backup_last_success_timestamp_seconds{tier="daily"} 400\nmem0_backup_last_success_timestamp_seconds{tier="weekly"} 0\n';
    expect(row(text, "last good daily")?.now).toBe(600);
    expect(row(text, "last good weekly")?.now).toBeUndefined();
  });
});
