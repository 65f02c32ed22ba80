import type { BackupStatus } from "../backup/status-file.ts";
import type { Check } from "../base/check.ts";
import type { Answer } from "./answer.ts";

/** A container as Docker tells of it. */
export interface ContainerFacts {
  /** `healthy`, `unhealthy`, `starting`, `running` while it runs; else Docker's own word, or `missing`. */
  state: string;
  /** What kept it from starting: a port that is taken, say. */
  error: string | undefined;
  /** Addresses beyond loopback that its ports are published on. */
  openTo: readonly string[];
}

/** What the memory server says of those behind it. */
export interface ReadyFacts {
  ready: boolean;
  checks: Record<string, { ok: boolean; reason?: string | undefined }>;
  waitingFor: string | undefined;
  /** Writes are paused for so long. */
  pausedSeconds: number;
}

export type CanaryFacts = { similarity: number; milliseconds: number };

/** What the bot says of those that it depends on. */
export interface BotFacts {
  ready: boolean;
  peers: Record<string, { ok: boolean; reason?: string | undefined; detail?: string | undefined }>;
}

/**
 * What is known of a stack at one moment, for `judge`. What a stack does not have is undefined; what did not answer says
 * why.
 */
export interface HealthFacts {
  /** Milliseconds since 1970, by this host's clock. */
  now: number;
  /** Version of the engine. */
  docker: Answer<string>;
  /** By service. */
  containers: Record<string, Answer<ContainerFacts>>;
  /** Free bytes of each place that the stack writes to. */
  disks: readonly { place: string; path: string; free: Answer<number> }[];
  /** The server's clock less this host's, in milliseconds; it answers in whole seconds. */
  server: Answer<{ aheadMs: number | undefined }>;
  ready: Answer<ReadyFacts>;
  /** With the time at which it was asked: a paid model is not asked at every look. */
  canary: { at: number; answer: Answer<CanaryFacts> };
  /** The session, and what the identity table of the stack's database says. */
  postgres: {
    session: Answer<true>;
    identity: Answer<{ instanceId: string | undefined; since: number | undefined }>;
  };
  /** Undefined where the port is closed. */
  neo4jHttp: Answer<number> | undefined;
  neo4j: Answer<{ instanceId: string | undefined }>;
  grafana: { web: Answer<true>; dashboard: Answer<boolean> | undefined } | undefined;
  /** Health of the stack's scrape; undefined when Prometheus does not know it. */
  target: Answer<{ health: string; error: string } | undefined> | undefined;
  bot: Answer<BotFacts> | undefined;
  /** Undefined in a manifest from before there were backups. */
  backups: BackupStatus | undefined;
  /** What runs by itself, as the schedules judge it; a job each. */
  jobs: readonly Check[];
  /** Whether the disk of the backups is encrypted; undefined when nobody can tell. */
  diskEncrypted: boolean | undefined;
}

/** What of a stack's settings health depends on. */
export interface HealthSettings {
  stack: string;
  instanceId: string;
  /** Names, by service. */
  containers: Record<string, string>;
  databaseUser: string;
  embedded: boolean;
  diskFreeGb: number;
  /** Age at which a backup is overdue, in runs of its tier. */
  backupRuns: number;
  drillDays: number;
  /** Whether backups are encrypted by themselves. */
  recipients: boolean;
  backupRoot: string | undefined;
}
