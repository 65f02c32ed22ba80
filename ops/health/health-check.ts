import type { Check } from "../base/check.ts";

/** One thing that was looked at in a stack that runs. */
export interface HealthCheck extends Check {
  /** Name of the alert that it raises; the operations guide's where it names one. */
  type: string;
  /** Name of the check that is wrong as well and explains this one: mended with it, and no alert of its own. */
  because?: string;
}

/** Services by the name that the guide's alerts have for them. */
const ALERT_NAMES: Record<string, string> = { server: "mem0_server", postgres: "postgresql" };

/** Type of the alert that tells that a service's container is not well, e.g. `postgresql_down`. */
export function downType(service: string): string {
  return `${ALERT_NAMES[service] ?? service}_down`;
}

/** Published through the gate: whoever asks from the host does not reach them without it. */
const BEHIND_THE_GATE = ["docker_down", "gate_down"];

const ASKING_POSTGRES = ["postgresql_down", ...BEHIND_THE_GATE];
const ASKING_NEO4J = ["neo4j_down", ...BEHIND_THE_GATE, "neo4j_endpoint"];
const ASKING_SERVER = ["docker_down", "mem0_server_down", "mem0_server_endpoint"];

/** Which other checks explain one, the nearest cause first. Those of containers: the engine. */
const EXPLAINED_BY: Record<string, readonly string[]> = {
  mem0_server_endpoint: ["docker_down", "mem0_server_down"],
  mem0_server_not_ready: ASKING_SERVER,
  "ready postgres": [...ASKING_SERVER, "postgresql_down", "postgresql_connection", "postgresql_db_access"],
  "ready neo4j": [...ASKING_SERVER, "neo4j_down", "neo4j_connection"],
  model_refused: [...ASKING_SERVER, "model_down"],
  canary_failed: [
    ...ASKING_SERVER,
    "postgresql_down",
    "postgresql_connection",
    "postgresql_db_access",
    "neo4j_down",
    "identity_mismatch",
    "model_down",
    "model_refused",
    "mem0_server_not_ready",
  ],
  postgresql_connection: ASKING_POSTGRES,
  postgresql_db_access: [...ASKING_POSTGRES, "postgresql_connection"],
  neo4j_endpoint: ["neo4j_down", ...BEHIND_THE_GATE],
  neo4j_connection: ASKING_NEO4J,
  grafana_endpoint: ["grafana_down", ...BEHIND_THE_GATE],
  dashboard_missing: ["grafana_down", ...BEHIND_THE_GATE, "grafana_endpoint"],
  metrics_target_missing: ["prometheus_down", ...BEHIND_THE_GATE, "metrics_exporter_down"],
  schedule_backup: ["docker_down", "backup_failed"],
  schedule_hourly: ["docker_down", "backup_failed"],
  schedule_drill: ["docker_down", "drill_failed"],
  schedule_verify: ["docker_down"],
  bot_not_polling: ["docker_down", "telegram_bot_down", ...ASKING_SERVER, "mem0_server_not_ready"],
};

/** Names for each check that is wrong the one that explains it in the end, where there is one. */
export function explained(checks: readonly HealthCheck[]): HealthCheck[] {
  const wrongOnes = checks.filter(({ ok }) => !ok);
  const causeOf = (check: HealthCheck): HealthCheck | undefined =>
    (EXPLAINED_BY[check.name] ?? EXPLAINED_BY[check.type] ?? causesOfContainers(check))
      .map((type) => wrongOnes.find((other) => other.type === type))
      .find((other) => other !== undefined);
  return checks.map((check) => {
    if (check.ok) return check;
    let cause = causeOf(check);
    for (let next = cause; next !== undefined; next = causeOf(next)) cause = next;
    return cause === undefined ? check : { ...check, because: cause.name };
  });
}

/** Without the engine nobody can tell how its containers are. */
function causesOfContainers({ type }: HealthCheck): readonly string[] {
  return type.endsWith("_down") && type !== "docker_down" ? ["docker_down"] : [];
}
