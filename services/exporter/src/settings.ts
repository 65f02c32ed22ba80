/** What the exporter is told about its stack. Secrets come as paths and are read when they are used. */
export interface Settings {
  port: number;
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

/** Reads the environment, or throws one error that names all that is missing or wrong. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const mistakes: string[] = [];
  const text = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") mistakes.push(`${name} is not set`);
    return value ?? "";
  };
  const whole = (name: string, fallback?: number): number => {
    if (fallback !== undefined && env[name] === undefined) return fallback;
    const value = Number(text(name));
    if (!Number.isInteger(value) || value < 1)
      mistakes.push(`${name} must be a whole number, is "${env[name]}"`);
    return value;
  };
  const positive = (name: string): number => {
    const value = Number(text(name));
    if (!(value > 0)) mistakes.push(`${name} must be a number above 0, is "${env[name]}"`);
    return value;
  };
  const settings: Settings = {
    port: whole("EXPORTER_PORT", 9103),
    stack: text("MEM0_STACK"),
    identity: {
      instanceId: text("INSTANCE_ID"),
      embedder: text("EMBEDDER_MODEL"),
      dimensions: whole("EMBEDDER_DIMENSIONS"),
    },
    server: { url: text("SERVER_URL"), metricsUrl: text("SERVER_METRICS_URL") },
    postgres: {
      host: text("POSTGRES_HOST"),
      port: whole("POSTGRES_PORT", 5432),
      database: text("POSTGRES_DB"),
      user: text("POSTGRES_USER"),
      passwordFile: text("POSTGRES_PASSWORD_FILE"),
      collection: text("MEMORY_COLLECTION"),
    },
    neo4j: {
      uri: text("NEO4J_URI"),
      user: text("NEO4J_USERNAME"),
      passwordFile: text("NEO4J_PASSWORD_FILE"),
    },
    backupStatusFile: text("BACKUP_STATUS_FILE"),
    backupRuns: positive("BACKUP_RUNS"),
    runbookFile: text("RUNBOOK_FILE"),
    ...(env.DASHBOARD_URL === undefined ? {} : { dashboardUrl: env.DASHBOARD_URL }),
    disks: Object.fromEntries(
      Object.entries({ data: env.DISK_DATA, state: env.DISK_STATE }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
  };
  if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  return settings;
}
