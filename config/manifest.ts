import { z } from "zod";

/**
 * What `pulumi up` tells the host verbs about a deployed stack: names, ports, paths and identity, never a secret.
 * It is the only bridge between deploying and operating.
 */

/**
 * Raised when what is there means something else than before. What is only added does not raise it: keys that a version
 * does not know are left alone by it, and keys that it misses have a default or are optional.
 */
export const MANIFEST_VERSION = 1;

/** What has to be free on each disk of a stack, GiB: the operations guide's figure. */
export const DISK_FREE_GB = 10;

/** How many days old the last restore drill may be: one a month. */
export const DRILL_DAYS = 35;

/** What can run a stack's jobs. */
export const MANAGERS = ["launchd", "systemd", "cron"] as const;

export type Manager = (typeof MANAGERS)[number];

/** Telegram's own Bot API. */
export const TELEGRAM_URL = "https://api.telegram.org";

/** How alerts are told where the settings say nothing else. */
export const ALERTS = { cooldownSeconds: 3600, remindHours: 24, openAfter: 2, closeAfter: 2 };

const service = z.object({
  container: z.string().meta({ description: "Container name." }),
  image: z.string().meta({ description: "Content id of the image, sha256:..." }),
  ports: z.record(z.string(), z.int()).meta({ description: "Published ports on 127.0.0.1, by purpose." }),
});

export const manifestSchema = z.object({
  version: z.literal(MANIFEST_VERSION),
  stack: z.string(),
  /** Tells this machine set-up apart from others on the same Docker engine. */
  homeId: z.string(),
  /** Names the data for good; stores that carry another id are foreign. */
  instanceId: z.string(),
  dockerHost: z.string(),
  services: z.record(z.string(), service),
  network: z.string(),
  /** Named volumes or host directories, by store. */
  stores: z.record(z.string(), z.string()),
  database: z.object({
    name: z.string(),
    user: z.string(),
    collection: z.string(),
    /** Role that reads everything and writes nothing; absent in a manifest from before there was one. */
    metricsUser: z.string().optional(),
  }),
  model: z.object({
    provider: z.string(),
    llm: z.string(),
    embedder: z.string(),
    dimensions: z.int(),
  }),
  defaultUser: z.string(),
  /** How long an add may take before the server gives it up; absent in a manifest from before it was a setting. */
  addSeconds: z.int().optional(),
  /** Absent in a manifest from before there was an exporter. */
  observability: z
    .object({
      exporter: z.enum(["container", "host", "off"]),
      /** Port of the exporter on 127.0.0.1, wherever it runs. */
      exporterPort: z.int(),
      /** Absent where the exporter is a container, and in a manifest from before it looked at them. */
      hosts: z.array(z.string()).optional().meta({ description: "Host names that the exporter answers to." }),
      job: z.string().meta({ description: "Prometheus' scrape job." }),
      /** Absent in a manifest from before the exporter was told. */
      backupRuns: z.number().optional().meta({ description: "Age at which a backup is overdue, in runs." }),
      /** GiB; absent where the settings say nothing else than DISK_FREE_GB. */
      diskFreeGb: z.number().optional().meta({ description: "What has to be free on each disk." }),
      /** Absent where the settings say nothing else than DRILL_DAYS. */
      drillDays: z.number().optional().meta({ description: "Age at which a restore drill is overdue." }),
      prometheusUrl: z.string().optional().meta({ description: "Prometheus as the host reaches it." }),
      /** Absent where there is no Grafana. */
      grafana: z
        .object({
          url: z.string().meta({ description: "Grafana as the host reaches it." }),
          dashboard: z.string().meta({ description: "Address of the stack's dashboard." }),
          adminUser: z.string().optional().meta({ description: "Of the stack's own Grafana." }),
        })
        .optional(),
    })
    .optional(),
  /** Absent in a manifest from before there were backups. */
  backup: z
    .object({
      root: z.string(),
      keep: z.object({ hourly: z.int(), daily: z.int(), weekly: z.int(), monthly: z.int() }),
      format: z.enum(["custom", "plain"]),
      maxDropShare: z.number(),
      /** Age recipients, which are no secrets. */
      recipients: z.array(z.string()),
      /** False in a manifest from before there were such copies. */
      hourlyFiles: z.boolean().default(false),
      copyTo: z.object({ path: z.string().optional(), command: z.array(z.string()).optional() }).optional(),
    })
    .optional(),
  /** Absent where nothing runs by itself: versions before refuse a manifest with a key that they do not know. */
  schedule: z
    .object({
      by: z.enum(MANAGERS),
      /** The copy of Node that the units run. */
      node: z.string(),
      /** The copy of the program that they run. */
      program: z.string(),
      /** When each job runs, as cron writes it; `always` for what never ends. */
      jobs: z.record(z.string(), z.string()),
      identity: z.string().optional(),
      logDays: z.int(),
    })
    .optional(),
  /** Absent where the settings say nothing else than ALERTS and TELEGRAM_URL. */
  alerts: z
    .object({
      cooldownSeconds: z.int(),
      remindHours: z.number(),
      openAfter: z.int(),
      closeAfter: z.int(),
      telegramUrl: z.string().meta({ description: "Telegram's Bot API." }),
    })
    .optional(),
  /** Paths of 0600 files. */
  secretFiles: z.record(z.string(), z.string()),
});

export type Manifest = z.output<typeof manifestSchema>;
