import { z } from "zod";
import type { Manifest } from "../../config/manifest.ts";
import type { HealthCheck } from "../health/health-check.ts";
import type { Finding } from "./state.ts";

/** What cannot wait: memories cannot be used, or are another's. */
const CRITICAL =
  /_down$|_endpoint$|^postgresql_|^neo4j_connection$|^identity_mismatch$|^canary_failed$|_not_ready$/;

/** Health's findings that nothing else explains: one cause is one alert. */
export function fromHealth(checks: readonly HealthCheck[]): Finding[] {
  return checks
    .filter(({ ok, because }) => !ok && because === undefined)
    .map(({ type, name, found, mend }) => ({
      type,
      source: "health",
      level: CRITICAL.test(type) ? "CRITICAL" : "WARNING",
      text: `${name}: ${found}`,
      mend,
    }));
}

/** Rules of Prometheus that say what health says, by health's types: whoever heard the one need not hear the other. */
const SAID_BY_HEALTH: Record<string, readonly string[]> = {
  Mem0ServerDown: ["docker_down", "mem0_server_down", "mem0_server_endpoint"],
  Mem0ServerNotReady: [
    ...["docker_down", "mem0_server_down", "mem0_server_endpoint", "mem0_server_not_ready", "model_down"],
    ...["model_refused", "postgresql_down", "postgresql_connection", "neo4j_down", "identity_mismatch"],
  ],
  Mem0PostgresDown: ["docker_down", "postgresql_down", "postgresql_connection", "postgresql_db_access"],
  Mem0Neo4jDown: ["docker_down", "neo4j_down", "neo4j_endpoint", "neo4j_connection"],
  Mem0BackupOverdue: ["backup_overdue"],
  Mem0BackupMissing: ["backup_overdue"],
  Mem0BackupFailed: ["backup_failed"],
  Mem0BackupSuspect: ["backup_failed"],
  Mem0BackupCopyFailed: ["backup_copy_failed"],
  Mem0RestoreDrillOverdue: ["drill_overdue"],
  Mem0RestoreDrillFailed: ["drill_failed"],
  Mem0IdentityMismatch: ["identity_mismatch"],
  Mem0DiskSpaceLow: ["disk_space_low"],
  Mem0ExporterGone: ["docker_down", "metrics_exporter_down", "metrics_target_missing"],
  Mem0WatchIncomplete: [
    "docker_down",
    "postgresql_down",
    "neo4j_down",
    "mem0_server_down",
    "metrics_exporter_down",
  ],
};

/** Whether a rule of Prometheus watches the same thing as a type of health. */
export function isWatchedByRules(type: string): boolean {
  return Object.values(SAID_BY_HEALTH).some((types) => types.includes(type));
}

/** What both have found, each matter once: health names what mends it, so its words stand. */
export function together(health: readonly Finding[], prometheus: readonly Finding[]): Finding[] {
  const said = new Set(health.map(({ type }) => type));
  const own = prometheus.filter(({ type }) => !(SAID_BY_HEALTH[type] ?? []).some((same) => said.has(same)));
  return [...health, ...own];
}

const alertsAnswer = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.string(),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
    ),
  }),
});

const PROMETHEUS_MS = 2_500;

/** What fires in Prometheus about this stack; nothing where there is none, or none answers: health finds that itself. */
export async function fromPrometheus({ stack, observability }: Manifest): Promise<Finding[]> {
  if (observability?.prometheusUrl === undefined) return [];
  try {
    const url = `${observability.prometheusUrl}/api/v1/alerts`;
    const response = await fetch(url, { signal: AbortSignal.timeout(PROMETHEUS_MS) });
    const { alerts } = alertsAnswer.parse(await response.json()).data;
    return alerts
      .filter(({ state, labels }) => state === "firing" && labels.severity !== "none")
      .filter(
        ({ labels }) => (labels.alertname ?? "").startsWith("Mem0") && (labels.stack ?? stack) === stack,
      )
      .map(({ labels, annotations }) => ({
        type: labels.alertname ?? "",
        source: "prometheus",
        level: labels.severity === "critical" ? "CRITICAL" : "WARNING",
        text: annotations.description ?? annotations.summary ?? "fires",
        mend: annotations.runbook_url,
      }));
  } catch {
    return [];
  }
}
