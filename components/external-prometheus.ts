import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { scrapeJobFile } from "../observability/prometheus-config.ts";
import type { Target } from "./targets/target.ts";

export interface ExternalPrometheusArgs {
  settings: Pick<Settings, "stack" | "stateDir" | "observability">;
  target: Target;
  /** `host:port` of the exporter as Prometheus reaches it. */
  exporter: string;
  /** Text of the rules file. */
  rules: string;
  /** Whether its container runs: it is told about the stack as soon as it does. */
  running: boolean;
}

/** What is still to be done by hand, by how far the registration came. */
const ADVICE: Record<string, (args: ExternalPrometheusArgs, directory: string) => string | undefined> = {
  "not-mounted": ({ settings }, directory) => {
    const { container, mountedAt } = settings.observability.prometheus;
    return `mount ${directory} into ${container} at ${mountedAt} (docs/observability.md); until then nothing is scraped`;
  },
  "not-included": ({ settings }) => {
    const { container, mountedAt } = settings.observability.prometheus;
    return `name ${mountedAt}/scrape.yml in scrape_config_files and ${mountedAt}/rules.yml in rule_files of ${container}'s prometheus.yml (docs/observability.md); until then nothing is scraped`;
  },
};

/** A Prometheus that watches other systems too: gets this stack's scrape job and rules. */
export class ExternalPrometheus extends pulumi.ComponentResource {
  readonly registered: pulumi.Output<string>;

  constructor(name: string, args: ExternalPrometheusArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:ExternalPrometheus", name, {}, opts);
    const { stack, stateDir, observability } = args.settings;
    const { job, container, mountedAt } = observability.prometheus;
    const directory = path.join(stateDir, "external-prometheus");
    const news = {
      directory,
      container,
      mountedAt,
      running: args.running,
      scrape: scrapeJobFile({ job, stack, address: args.exporter }),
      rules: args.rules,
    };
    const reached = args.target.informPrometheus(`${name}-registration`, news, { parent: this });
    this.registered = reached.apply((how) => {
      const advice = ADVICE[how]?.(args, directory);
      if (advice !== undefined) void pulumi.log.warn(advice, this);
      return how;
    });
    this.registerOutputs({ registered: this.registered });
  }
}
