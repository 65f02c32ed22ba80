import * as units from "@grafana/grafana-foundation-sdk/units";
import { answerTime, type Select, TRAFFIC } from "../promql.ts";
import { inWords, type PanelSpec, SIZE } from "./panel.ts";

export const UP_DOWN = { 0: "DOWN", 1: "UP" };

/** The ten panels of the operations guide, in its order. */
export function guidePanels(of: Select): PanelSpec[] {
  const calls = of("mem0_query_duration_seconds_bucket");
  const queryTime = (quantile: number) =>
    `histogram_quantile(${quantile}, sum by (le, store) (rate(${calls}[$__rate_interval])))`;
  return [
    inWords({
      title: "Service Health Overview",
      description:
        "Whether the memory server, PostgreSQL and Neo4j answer, and the server can use its stores.",
      width: 12,
      words: UP_DOWN,
      alerts: ["Mem0ServerDown", "Mem0ServerNotReady", "Mem0PostgresDown", "Mem0Neo4jDown"],
      queries: [
        { expr: of("mem0_service_up"), legend: "Memory server" },
        { expr: of("mem0_service_ready"), legend: "Ready" },
        { expr: of("mem0_postgres_up"), legend: "PostgreSQL" },
        { expr: of("mem0_neo4j_up"), legend: "Neo4j" },
      ],
    }),
    {
      title: "Total Memories Stored",
      description: "Memories of all users, counted exactly.",
      unit: units.Short,
      shape: "lines",
      width: 6,
      queries: [{ expr: of("mem0_memories_total"), legend: "memories" }],
    },
    {
      title: "Active Users",
      description: "Users that have memories.",
      unit: units.Short,
      shape: "lines",
      width: 6,
      queries: [{ expr: of("mem0_users_total"), legend: "users" }],
    },
    {
      title: "API Response Time",
      description: "Time within which half, 95 % and 99 % of the reads and writes were answered.",
      unit: units.Seconds,
      shape: "lines",
      width: 12,
      alerts: ["Mem0ReadsSlow", "Mem0WritesSlow"],
      queries: ([0.5, 0.95, 0.99] as const).map((quantile) => ({
        expr: answerTime(of, quantile, 'kind=~"read|write"', "$__rate_interval", "kind"),
        legend: `p${quantile * 100} {{kind}}`,
      })),
    },
    {
      title: "Database Query Duration",
      description: "Time of the memory server's calls of PostgreSQL, Neo4j and its history file.",
      unit: units.Seconds,
      shape: "lines",
      width: 12,
      queries: [
        { expr: queryTime(0.5), legend: "p50 {{store}}" },
        { expr: queryTime(0.95), legend: "p95 {{store}}" },
      ],
    },
    {
      title: "Database Size",
      description: "The stack's PostgreSQL database on disk.",
      unit: SIZE,
      shape: "lines",
      width: 12,
      queries: [{ expr: of("mem0_database_size_bytes"), legend: "database" }],
    },
    {
      title: "Active Database Connections",
      description: "Client connections to PostgreSQL by what they do, and how many it allows.",
      unit: units.Short,
      shape: "lines",
      width: 12,
      queries: [
        { expr: of("mem0_database_connections"), legend: "all" },
        { expr: of("mem0_database_connections_by_state"), legend: "{{state}}" },
        { expr: of("mem0_database_connections_max"), legend: "allowed" },
      ],
    },
    {
      title: "API Request Rate",
      description: "Requests per second by what they were for; health checks are not counted.",
      unit: units.RequestsPerSecond,
      shape: "lines",
      width: 12,
      queries: [
        {
          expr: `sum by (kind) (rate(${of("mem0_api_requests_total", TRAFFIC)}[$__rate_interval]))`,
          legend: "{{kind}}",
        },
      ],
    },
    {
      title: "API Error Rate",
      description: "Errors per second: 5xx are the server's own, 4xx the clients'.",
      unit: units.RequestsPerSecond,
      shape: "lines",
      width: 12,
      queries: [
        {
          expr: `sum by (status) (rate(${of("mem0_api_errors_total", TRAFFIC)}[$__rate_interval]))`,
          legend: "{{status}}",
        },
      ],
    },
    {
      title: "Memory Growth (7 days)",
      description: "Memories stored, over the last seven days.",
      unit: units.Short,
      shape: "bars",
      width: 24,
      past: "7d",
      queries: [{ expr: of("mem0_memories_total"), legend: "memories" }],
    },
  ];
}
