import type { Select } from "../promql.ts";
import { type Alert, MINUTE } from "./alert.ts";

/** Whether the server and its stores answer. */
export function availability(of: Select): Alert[] {
  /** What is 0 when it is down; a deployment or a crash is over within two minutes. */
  const down = {
    group: "availability",
    comparison: "<",
    threshold: 1,
    also: [],
    unit: "state",
    holds: 2 * MINUTE,
    severity: "critical",
  } as const;
  return [
    {
      ...down,
      name: "Mem0ServerDown",
      value: of("mem0_service_up"),
      summary: "The memory server does not answer",
      description: "mem0_service_up is {value}: nothing can be remembered or recalled.",
      section: "the-server-is-down",
    },
    {
      ...down,
      name: "Mem0ServerNotReady",
      value: of("mem0_service_ready"),
      holds: 5 * MINUTE,
      summary: "The memory server answers, but cannot use its stores",
      description: "mem0_service_ready is {value}: a store does not answer or holds other data.",
      section: "the-server-is-down",
    },
    {
      ...down,
      name: "Mem0PostgresDown",
      value: of("mem0_postgres_up"),
      summary: "PostgreSQL does not answer",
      description: "mem0_postgres_up is {value}: memories can be neither read nor written.",
      section: "postgresql-is-down",
    },
    {
      ...down,
      name: "Mem0Neo4jDown",
      value: of("mem0_neo4j_up"),
      summary: "Neo4j does not answer",
      description: "mem0_neo4j_up is {value}: the graph can be neither read nor written.",
      section: "neo4j-is-down",
    },
  ];
}
