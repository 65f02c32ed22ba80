import { z } from "zod";

/** What the exporter is told about its stack. Secrets come as paths and are read when they are used. */
export interface Settings {
  port: number;
  /** Host names that it answers to, without ports. */
  hosts: readonly string[];
  stack: string;
  identity: { instanceId: string; embedder: string; dimensions: number };
  /** Base URL of the memory server's API, and the URL of its own metrics. */
  server: { url: string; metricsUrl: string };
  postgres: {
    host: string;
    port: number;
    database: string;
    user: string;
    passwordFile: string;
    /** Table of the memories. */
    collection: string;
  };
  neo4j: { uri: string; user: string; passwordFile: string };
  /** URL of the Telegram bot's own metrics, where there is a bot that the exporter reaches. */
  botMetricsUrl?: string;
  /** Where backup and drill leave word of how they went. */
  backupStatusFile: string;
  /** Age at which a backup is overdue, in runs; the alert's own threshold. */
  backupRuns: number;
  /** The runbook as a page of HTML. */
  runbookFile: string;
  /** Address of the dashboard, where there is a Grafana. */
  dashboardUrl?: string;
  /** A path in each file system whose free space matters, by place. */
  disks: Readonly<Record<string, string>>;
}

const text = z.string({ error: "is not set" });

const wholeNumber = text
  .regex(/^[1-9]\d*$/, { error: ({ input }) => `must be a whole number above 0, is "${input}"` })
  .transform(Number);

const positiveNumber = text
  .refine((value) => Number(value) > 0, { error: ({ input }) => `must be a number above 0, is "${input}"` })
  .transform(Number);

/** The variables of the environment, by name; others are left alone. */
const environment = z.object({
  EXPORTER_PORT: wholeNumber.default(9103),
  ALLOWED_HOSTS: text,
  MEM0_STACK: text,
  INSTANCE_ID: text,
  EMBEDDER_MODEL: text,
  EMBEDDER_DIMENSIONS: wholeNumber,
  SERVER_URL: text,
  SERVER_METRICS_URL: text,
  POSTGRES_HOST: text,
  POSTGRES_PORT: wholeNumber.default(5432),
  POSTGRES_DB: text,
  POSTGRES_USER: text,
  POSTGRES_PASSWORD_FILE: text,
  MEMORY_COLLECTION: text,
  NEO4J_URI: text,
  NEO4J_USERNAME: text,
  NEO4J_PASSWORD_FILE: text,
  BOT_METRICS_URL: text.optional(),
  BACKUP_STATUS_FILE: text,
  BACKUP_RUNS: positiveNumber,
  RUNBOOK_FILE: text,
  DASHBOARD_URL: text.optional(),
  DISK_DATA: text.optional(),
  DISK_STATE: text.optional(),
});

/**
 * Reads the environment; an empty variable counts as one that is not set.
 *
 * @throws one error that names all that is missing or wrong
 */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { success, data, error } = environment.safeParse(set);
  if (!success) {
    throw new Error(error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; "));
  }
  const disks = { data: data.DISK_DATA, state: data.DISK_STATE };
  return {
    port: data.EXPORTER_PORT,
    hosts: data.ALLOWED_HOSTS.split(","),
    stack: data.MEM0_STACK,
    identity: {
      instanceId: data.INSTANCE_ID,
      embedder: data.EMBEDDER_MODEL,
      dimensions: data.EMBEDDER_DIMENSIONS,
    },
    server: { url: data.SERVER_URL, metricsUrl: data.SERVER_METRICS_URL },
    postgres: {
      host: data.POSTGRES_HOST,
      port: data.POSTGRES_PORT,
      database: data.POSTGRES_DB,
      user: data.POSTGRES_USER,
      passwordFile: data.POSTGRES_PASSWORD_FILE,
      collection: data.MEMORY_COLLECTION,
    },
    neo4j: { uri: data.NEO4J_URI, user: data.NEO4J_USERNAME, passwordFile: data.NEO4J_PASSWORD_FILE },
    ...(data.BOT_METRICS_URL === undefined ? {} : { botMetricsUrl: data.BOT_METRICS_URL }),
    backupStatusFile: data.BACKUP_STATUS_FILE,
    backupRuns: data.BACKUP_RUNS,
    runbookFile: data.RUNBOOK_FILE,
    ...(data.DASHBOARD_URL === undefined ? {} : { dashboardUrl: data.DASHBOARD_URL }),
    disks: Object.fromEntries(
      Object.entries(disks).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}
