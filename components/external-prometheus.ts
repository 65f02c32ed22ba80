import path from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { scrapeJobFile } from "../observability/prometheus-config.ts";

export interface ExternalPrometheusArgs {
  settings: Pick<Settings, "stack" | "stateDir" | "observability">;
  /** `host:port` of the exporter as Prometheus reaches it. */
  exporter: string;
  /** Text of the rules file. */
  rules: string;
  /** Whether its container runs: it is told about the stack as soon as it does. */
  running: boolean;
}

/**
 * Writes both files under a name that no `*.yml` pattern takes up, has that very Prometheus check them through its
 * mount, renames them and makes it read its configuration again. Without a running Prometheus, or one that has the
 * directory mounted, they are written and wait for it. Prints how far it came.
 */
const register = `set -eu
umask 022
mkdir -p "$DIRECTORY"
chmod 0755 "$DIRECTORY"
printf '%s' "$SCRAPE" > "$DIRECTORY/scrape.yml.new"
printf '%s' "$RULES" > "$DIRECTORY/rules.yml.new"
in_prometheus() { docker exec "$CONTAINER" "$@" >&2; }
publish() { for file in scrape rules; do mv -f "$DIRECTORY/$file.yml.new" "$DIRECTORY/$file.yml"; done; }
if [ "$RUNNING" != true ]; then publish; printf absent; exit 0; fi
if ! in_prometheus test -e "$MOUNTED/rules.yml.new"; then publish; printf not-mounted; exit 0; fi
if ! { in_prometheus promtool check rules "$MOUNTED/rules.yml.new" && in_prometheus promtool check config "$MOUNTED/scrape.yml.new"; }; then
  rm -f "$DIRECTORY/scrape.yml.new" "$DIRECTORY/rules.yml.new"
  echo "$CONTAINER refuses the files: see above; what it had stays" >&2
  exit 1
fi
publish
docker kill --signal HUP "$CONTAINER" >&2
if in_prometheus grep -q "$MOUNTED" /etc/prometheus/prometheus.yml; then printf registered; else printf not-included; fi`;

const withdraw = `rm -f "$DIRECTORY/scrape.yml" "$DIRECTORY/rules.yml"
docker kill --signal HUP "$CONTAINER" >/dev/null 2>&1 || true`;

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
    const registration = new local.Command(
      `${name}-registration`,
      {
        create: register,
        update: register,
        delete: withdraw,
        environment: {
          DIRECTORY: directory,
          CONTAINER: container,
          MOUNTED: mountedAt,
          RUNNING: String(args.running),
          SCRAPE: scrapeJobFile({ job, stack, address: args.exporter }),
          RULES: args.rules,
        },
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    this.registered = registration.stdout.apply((reached) => {
      const advice = ADVICE[reached]?.(args, directory);
      if (advice !== undefined) void pulumi.log.warn(advice, this);
      return reached;
    });
    this.registerOutputs({ registered: this.registered });
  }
}
