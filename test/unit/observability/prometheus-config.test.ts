import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { prometheusConfig, scrapeJobFile } from "../../../observability/prometheus-config.ts";

const target = { job: "mem0-metrics", stack: "prd", address: "exporter:9103" };

describe("the scrape job", () => {
  it("is the guide's: its name, its path, 15 s and 10 s", () => {
    expect(parse(scrapeJobFile(target))).toEqual({
      scrape_configs: [
        {
          job_name: "mem0-metrics",
          scrape_interval: "15s",
          scrape_timeout: "10s",
          metrics_path: "/metrics",
          static_configs: [{ targets: ["exporter:9103"], labels: { stack: "prd" } }],
        },
      ],
    });
  });

  it("is the same in the stack's own Prometheus, which has the rules too", () => {
    const config = parse(prometheusConfig(target)) as { rule_files: string[]; scrape_configs: unknown[] };
    expect(config.rule_files).toEqual(["/etc/prometheus/rules.yml"]);
    expect(config.scrape_configs[0]).toEqual(
      (parse(scrapeJobFile(target)) as { scrape_configs: unknown[] }).scrape_configs[0],
    );
  });
});
