/**
 * Every metric that the exporter serves: the one statement of names, types, labels, units and meaning. The exporter
 * serves nothing else; dashboards, alert rules and `./mem0 metrics` take their names from here.
 *
 * The first ten carry the names of the operations guide. `mem0_memories_total` and `mem0_users_total` are gauges in
 * spite of a suffix that belongs to counters: the guide's names go first, and promtool names exactly these two.
 */

export type MetricType = "gauge" | "counter" | "histogram";

/** Base units, as Prometheus wants them; `none` for counts, states and ratios between 0 and 1. */
export type Unit = "seconds" | "bytes" | "none";

export interface Metric {
  type: MetricType;
  unit: Unit;
  help: string;
  /** Label names, with what each may hold. */
  labels: Readonly<Record<string, string>>;
}

/** Labels of what clients did. A route is a template such as `/memories/{memory_id}`, never a path with an id. */
const ROUTE = {
  route: "route template, `none` where no route matched",
  method: "HTTP method",
  kind: "read, write, bulk (import, export), admin, probe (health checks) or none",
} as const;

const STATUS = { ...ROUTE, status: "class of the HTTP status: 1xx to 5xx" } as const;
const CALL = { store: "postgres, neo4j or history", operation: "what the server asked of it" } as const;
const TIER = { tier: "hourly, daily, weekly or monthly" } as const;
const PART = {
  part: "part of a scrape: server, postgres, neo4j, backups, disk; bot where there is one",
} as const;
const COUNT = { count: "memories, users, nodes or relationships" } as const;
const PLACE = {
  place:
    "data: where the stores live; state: the stack's own files; backups: the backup root, as the last run saw it",
} as const;
const FAULT = {
  peer: "telegram, server or inbox: whom the bot depends on",
  reason: "why it failed, as docs/telegram.md lists it",
} as const;
const NONE = {} as const;

export const CATALOGUE = {
  mem0_service_up: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the memory server answers: 1 yes, 0 no. Says nothing about its stores: see mem0_service_ready.",
  },
  mem0_postgres_up: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether PostgreSQL answers a query: 1 yes, 0 no.",
  },
  mem0_api_response_time_seconds: {
    type: "histogram",
    unit: "seconds",
    labels: ROUTE,
    help: "Time the memory server took to answer a request. Edges at 1 s (goal of reads) and 5 s (goal of writes).",
  },
  mem0_api_requests_total: {
    type: "counter",
    unit: "none",
    labels: STATUS,
    help: "Requests that the memory server answered, by route and status class.",
  },
  mem0_api_errors_total: {
    type: "counter",
    unit: "none",
    labels: STATUS,
    help: "Requests that the memory server answered with an error: status 4xx, the client's, and 5xx, its own.",
  },
  mem0_memories_total: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Memories stored, exactly. As old as mem0_count_age_seconds says.",
  },
  mem0_users_total: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Users that have memories, exactly. As old as mem0_count_age_seconds says.",
  },
  mem0_database_size_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: NONE,
    help: "Size of the stack's PostgreSQL database on disk.",
  },
  mem0_database_connections: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Client connections to PostgreSQL, of all databases, the exporter's own included.",
  },
  mem0_query_duration_seconds: {
    type: "histogram",
    unit: "seconds",
    labels: CALL,
    help: "Time of the memory server's calls of its stores, by what it asked.",
  },

  mem0_service_ready: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the memory server has found all its stores to be its own and serves them: 1 yes, 0 no.",
  },
  mem0_neo4j_up: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether Neo4j answers a query: 1 yes, 0 no.",
  },
  mem0_neo4j_nodes: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Entities in the graph.",
  },
  mem0_neo4j_relationships: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Relationships in the graph that are still true; those marked invalid are not counted.",
  },
  mem0_neo4j_heap_used_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: NONE,
    help: "Java heap that Neo4j uses.",
  },
  mem0_neo4j_heap_max_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: NONE,
    help: "Java heap that Neo4j may use.",
  },
  mem0_database_connections_max: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Connections that PostgreSQL allows (max_connections).",
  },
  mem0_database_connections_by_state: {
    type: "gauge",
    unit: "none",
    labels: { state: "active, idle, idle in transaction or other" },
    help: "Client connections to PostgreSQL by what they do.",
  },
  mem0_database_table_size_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: { table: "table" },
    help: "Size of a table with what it keeps out of line, without its indexes. The 20 largest.",
  },
  mem0_database_index_size_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: { table: "table", index: "index" },
    help: "Size of an index. The 20 largest.",
  },
  mem0_count_age_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: COUNT,
    help: "Age of a count that is kept because taking it reads all of the data.",
  },
  mem0_identity_match: {
    type: "gauge",
    unit: "none",
    labels: { store: "postgres or neo4j" },
    help: "Whether the store holds this stack's data: 1 instance, embedder and dimensions are the deployed ones, 0 not.",
  },

  mem0_writes_total: {
    type: "counter",
    unit: "none",
    labels: { event: "ADD, UPDATE or DELETE" },
    help: "Memories that the server added, updated and deleted.",
  },
  mem0_writes_in_flight: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Writes under way in the memory server.",
  },
  mem0_repairs_pending: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Writes whose graph or history part the server's repair still has to finish.",
  },
  mem0_repairs_parked: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Writes of which the graph or the history refuses its part for good.",
  },
  mem0_call_errors_total: {
    type: "counter",
    unit: "none",
    labels: { target: "postgres, neo4j, history or model", operation: CALL.operation },
    help: "Calls of a store or of the model that failed.",
  },
  mem0_model_duration_seconds: {
    type: "histogram",
    unit: "seconds",
    labels: { operation: "what the server asked of the model" },
    help: "Time of the memory server's calls of the model.",
  },

  mem0_bot_up: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the Telegram bot answers: 1 yes, 0 no. Where there is a bot, as all of its metrics.",
  },
  mem0_bot_polling: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the last poll of Telegram succeeded: 1 yes, 0 no.",
  },
  mem0_bot_last_poll_timestamp_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: NONE,
    help: "When a poll of Telegram succeeded last; its age is time() minus this. 0: never.",
  },
  mem0_bot_fault: {
    type: "gauge",
    unit: "none",
    labels: FAULT,
    help: "What is wrong now: 1 at the reason that holds, 0 at the others.",
  },
  mem0_bot_failures_total: {
    type: "counter",
    unit: "none",
    labels: FAULT,
    help: "Calls of the bot that failed.",
  },
  mem0_bot_messages_total: {
    type: "counter",
    unit: "none",
    labels: { kind: "what was asked for, e.g. remember; stranger: by somebody who is no user" },
    help: "Messages and pressed buttons that the bot received.",
  },
  mem0_bot_outcomes_total: {
    type: "counter",
    unit: "none",
    labels: {
      outcome:
        "done; refused (by the memory server, for good); unknown (kept too long to be repeated); undelivered (besides: Telegram did not take the answer)",
    },
    help: "What became of what was asked for.",
  },
  mem0_bot_waiting: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Messages in the bot's inbox that are not answered yet.",
  },
  mem0_bot_waiting_oldest_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: NONE,
    help: "Age of the oldest message that is not answered yet.",
  },

  mem0_backup_status_up: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the status of the backups can be read: 1 yes, or there was no backup yet; 0 the file is damaged.",
  },
  mem0_backup_last_success_timestamp_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: TIER,
    help: "When the last good backup was made; its age is time() minus this. 0: none yet, though one was tried.",
  },
  mem0_backup_last_run_timestamp_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: TIER,
    help: "When a backup was tried last.",
  },
  mem0_backup_last_run_result: {
    type: "gauge",
    unit: "none",
    labels: { ...TIER, result: "ok, failed or suspect" },
    help: "How the last try ended: 1 at the result that holds, 0 at the others.",
  },
  mem0_backup_last_run_duration_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: TIER,
    help: "How long the last try took.",
  },
  mem0_backup_last_success_size_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: TIER,
    help: "Size of the last good backup.",
  },
  mem0_backup_last_success_duration_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: TIER,
    help: "How long the last good backup took.",
  },
  mem0_backup_last_success_memories: {
    type: "gauge",
    unit: "none",
    labels: TIER,
    help: "Memories in the last good backup: what mem0_memories_total is held against.",
  },
  mem0_backup_interval_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: TIER,
    help: "Time between two backups of a tier; for tiers that have been tried.",
  },
  mem0_backup_copy_timestamp_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: NONE,
    help: "When a backup was copied elsewhere last, or was to be; where a copy is wanted.",
  },
  mem0_backup_copy_success: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the last copy elsewhere succeeded: 1 yes, 0 no.",
  },
  mem0_restore_drill_timestamp_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: NONE,
    help: "When the last restore drill ended.",
  },
  mem0_restore_drill_success: {
    type: "gauge",
    unit: "none",
    labels: NONE,
    help: "Whether the last restore drill succeeded: 1 yes, 0 no.",
  },
  mem0_restore_drill_duration_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: NONE,
    help: "How long the last restore drill took.",
  },

  mem0_disk_free_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: PLACE,
    help: "Free space for an ordinary user. A place that cannot be reached is left out.",
  },
  mem0_disk_size_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: PLACE,
    help: "Size of the file system.",
  },

  mem0_component_info: {
    type: "gauge",
    unit: "none",
    labels: { component: "server, postgres, pgvector, neo4j, exporter or bot", version: "its version" },
    help: "Versions of what runs; always 1.",
  },
  mem0_component_start_time_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: { component: "server, postgres, neo4j, exporter or bot" },
    help: "When a component was started, as a Unix time: it changes with a deployment or a restart.",
  },
  mem0_component_memory_bytes: {
    type: "gauge",
    unit: "bytes",
    labels: { component: "server, exporter or bot" },
    help: "Resident memory of a component's process.",
  },
  mem0_stack_info: {
    type: "gauge",
    unit: "none",
    labels: { stack: "stack", embedder: "embedding model", dimensions: "dimensions of an embedding" },
    help: "What the stack was deployed as; always 1.",
  },
  mem0_exporter_part_up: {
    type: "gauge",
    unit: "none",
    labels: PART,
    help: "Whether a part of this scrape succeeded: 1 yes, 0 no.",
  },
  mem0_exporter_part_duration_seconds: {
    type: "gauge",
    unit: "seconds",
    labels: PART,
    help: "How long a part of this scrape took; parts run side by side.",
  },
  mem0_exporter_part_errors_total: {
    type: "counter",
    unit: "none",
    labels: {
      ...PART,
      reason: "timeout, unreachable, unauthorized, malformed, missing (no such table or file) or other",
    },
    help: "Parts of scrapes that failed.",
  },
  mem0_exporter_query_duration_seconds: {
    type: "histogram",
    unit: "seconds",
    labels: { store: "postgres or neo4j", query: "name of the query" },
    help: "Time of the exporter's own queries.",
  },
  mem0_exporter_scrape_duration_seconds: {
    type: "histogram",
    unit: "seconds",
    labels: NONE,
    help: "Time to collect a scrape, all parts together; counted from the scrape before this one.",
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof CATALOGUE;

/** The names that the operations guide asks for, as it lists them. */
export const GUIDE_METRICS = [
  "mem0_service_up",
  "mem0_postgres_up",
  "mem0_api_response_time_seconds",
  "mem0_api_requests_total",
  "mem0_api_errors_total",
  "mem0_memories_total",
  "mem0_users_total",
  "mem0_database_size_bytes",
  "mem0_database_connections",
  "mem0_query_duration_seconds",
] as const satisfies readonly MetricName[];

/** Gauges whose guide names promtool objects to. */
export const LINT_EXCEPTIONS = [
  "mem0_memories_total",
  "mem0_users_total",
] as const satisfies readonly MetricName[];
