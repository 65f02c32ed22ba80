import { stringify } from "yaml";

export interface ScrapeTarget {
  job: string;
  stack: string;
  /** `host:port` of the exporter as Prometheus reaches it. */
  address: string;
}

/** Where a managed Prometheus finds its rules. */
export const RULES_FILE = "/etc/prometheus/rules.yml";

/** The guide's intervals. */
const SCRAPE = { scrape_interval: "15s", scrape_timeout: "10s" };

/** The scrape job, as a file for `scrape_config_files` of a Prometheus that watches other things too. */
export function scrapeJobFile(target: ScrapeTarget): string {
  return stringify({ scrape_configs: [scrapeJob(target)] });
}

/** All that a Prometheus of this stack alone needs; it watches itself as well. */
export function prometheusConfig(target: ScrapeTarget): string {
  return stringify({
    global: { ...SCRAPE, evaluation_interval: "15s", external_labels: { stack: target.stack } },
    rule_files: [RULES_FILE],
    scrape_configs: [
      scrapeJob(target),
      { job_name: "prometheus", static_configs: [{ targets: ["localhost:9090"] }] },
    ],
  });
}

function scrapeJob({ job, stack, address }: ScrapeTarget): object {
  return {
    job_name: job,
    ...SCRAPE,
    metrics_path: "/metrics",
    static_configs: [{ targets: [address], labels: { stack } }],
  };
}
