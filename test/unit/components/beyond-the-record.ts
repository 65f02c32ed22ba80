/** An input of the program that no record of the official plugins shows yet. */
interface Unrecorded {
  /** Type, path and form of the input, or how all of them begin. */
  input: string;
  /** The one spelling that the plugin reads back. */
  form: string;
  knownFrom: string;
}

/**
 * What was not to be had when the program was recorded (test/engine/toolchain/plugins). Whoever records it again takes
 * out what the new record shows.
 */
export const BEYOND_THE_RECORD: readonly Unrecorded[] = [
  {
    input: "docker:index/container:Container.cpus=#.",
    form: '"10.": a whole number of CPUs with one zero in it, which only 10, 20, 30, 40, 50 and 60 have',
    knownFrom:
      "the docker plugin's source (facts of 2026-11-27); Go's big.Rat, which Docker parses with, takes it",
  },
  {
    input: "docker:index/network:Network.internal=true",
    form: "a flag, as given",
    knownFrom:
      "the record of edits, which has an internal network (test/engine/toolchain/plugins/official-plugins.json)",
  },
  {
    input: "docker:index/network:Network.options.com.docker.network.bridge.enable_ip_masquerade=false",
    form: "texts as given; changes are ignored, since an engine may add options of its own",
    knownFrom: "the docker plugin's documentation: options are a map of texts that Docker keeps as they are",
  },
  ...["dns", "dnsOpts", "dnsSearches"].map((input) => ({
    input: `docker:index/container:Container.${input}[]=`,
    form: "a set of texts as given; read back as null or as an empty list where there are none, as recorded",
    knownFrom: "the docker plugin's documentation and the empty lists in the record",
  })),
  {
    input: "grafana:alerting/contactPoint:ContactPoint.",
    form: "texts as given",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
  {
    input: "grafana:alerting/notificationPolicy:NotificationPolicy.",
    form: "durations as Prometheus prints them: 30s, 5m, 4h",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
  {
    input: "grafana:alerting/ruleGroup:RuleGroup.",
    form: "`for` in seconds; models as JSON with intervalMs and maxDataPoints, without what Grafana adds",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
  {
    input: "grafana:oss/dashboard:Dashboard.",
    form: "JSON without id and version",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
  {
    input: "grafana:oss/dataSource:DataSource.",
    form: "texts as given, jsonDataEncoded as JSON",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
  {
    input: "grafana:oss/folder:Folder.",
    form: "texts as given",
    knownFrom: "the grafana plugin's documentation; a strict fake of Grafana's API",
  },
];
