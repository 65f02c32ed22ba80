import type pg from "pg";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import type { Counts, Identity } from "../format/backup-manifest.ts";
import type { Tier } from "../format/layout.ts";

/** One moment of the whole stack, from which every store writes its share. */
export interface Cut {
  id: string;
  tier: Tier;
  stack: DeployedStack;
  /** Postgres as it was at the cut. */
  snapshot: PostgresSnapshot;
  /** What the stores found in their shares, filled in while they are dumped. */
  found: Found;
  /** Neo4j stops for a moment, for a dump by its own tool; otherwise it goes on, and the graph is exported. */
  stopNeo4j: boolean;
  /** Says what is being done, for people. */
  report: (line: string) => void;
}

/** Postgres at one moment: a transaction that stays open, whose snapshot pg_dump and our own questions share. */
export interface PostgresSnapshot {
  name: string;
  client: pg.Client;
}

/** Counts, identities and versions by store. */
export interface Found {
  counts: Partial<Counts>;
  identities: Partial<Record<"postgres" | "neo4j" | "history", Identity>>;
  versions: { postgres?: string; pgvector?: string; neo4j?: string };
  neo4jStoppedSeconds: number;
  /** Of the processor that a copy of Postgres' files is for; undefined when none is made. */
  architecture?: string;
}

/** The identity of a store that carries none. */
export const NO_IDENTITY: Identity = { instanceId: "", embedder: "", dimensions: 0 };
