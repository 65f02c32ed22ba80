import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { prometheusConfig, RULES_FILE } from "../observability/prometheus-config.ts";
import { HostFile } from "./host-file.ts";
import type { Images } from "./images.ts";
import { httpHealth, type RunningService, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface PrometheusArgs extends ServiceContext {
  images: Images;
  /** `host:port` of the exporter as Prometheus reaches it. */
  exporter: string;
  /** Text of the rules file. */
  rules: string;
}

/** The stack's own Prometheus: scrapes the exporter, keeps what it got, judges it by the rules. */
export class Prometheus extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: PrometheusArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Prometheus", name, {}, opts);
    const { settings, exporter, rules } = args;
    const { job, retentionDays } = settings.observability.prometheus;

    const store = new StoreMount(
      `${name}-data`,
      { store: "prometheus", at: "/prometheus", settings, target: args.target, replaceable: true },
      { parent: this },
    );
    const file = (part: string, target: string, content: string) => {
      const { path: source, revision } = new HostFile(
        `${name}-${part}`,
        {
          path: path.join(settings.stateDir, "prometheus", path.basename(target)),
          content,
          mode: "0600",
          owner: `${settings.runAs.uid}:${settings.runAs.gid}`,
        },
        { parent: this },
      );
      return { name: part, path: source, revision, target };
    };
    this.service = args.target.run(
      name,
      {
        service: "prometheus",
        image: args.images.id("prometheus"),
        command: [
          `--storage.tsdb.retention.time=${retentionDays}d`,
          // Of no page; as it is, every page may read.
          "--web.cors.origin=$^",
        ],
        // The Go runtime collects more often as it nears this, instead of being killed at the limit.
        env: { GOMEMLIMIT: `${Math.floor(settings.resources.prometheus.memoryMb * 0.9)}MiB` },
        stores: [store.mount],
        files: [
          file(
            "config",
            "/etc/prometheus/prometheus.yml",
            prometheusConfig({ job, stack: settings.stack, address: exporter }),
          ),
          file("rules", RULES_FILE, rules),
        ],
        health: httpHealth(9090, "/-/ready", 5),
        limits: settings.resources.prometheus,
        graceSeconds: 60,
        // The exporter may run on the host.
        outward: settings.observability.exporter === "host",
      },
      { parent: this, network: args.network },
    );
    this.registerOutputs({ container: this.service.name });
  }
}
