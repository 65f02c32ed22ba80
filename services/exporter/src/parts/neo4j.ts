import neo4j, { type Driver, type RecordShape } from "neo4j-driver-lite";
import { reasonOf } from "../failure.ts";
import { KeptCount } from "../kept-count.ts";
import type { Timer } from "../own-metrics.ts";
import type { Page } from "../page.ts";
import { readSecret } from "../secret.ts";
import type { Settings } from "../settings.ts";
import type { Part } from "./part.ts";

const QUERY_MS = 1_000;

/** For the count that reads every relationship, in the background. */
const COUNT_MS = 60_000;

const CONNECT_MS = 2_000;

/** A refused password is left alone for this long: a Neo4j that is not the stack's may lock the user out for everyone. */
const REFUSED_PAUSE_MS = 60_000;

/** One query instead of three: most of its cost is the round trip. Neo4j knows the number of nodes without counting. */
const STATE = `
  MATCH (n:__Entity__) WITH count(n) AS nodes
  OPTIONAL MATCH (i:Mem0Identity) WITH nodes, i LIMIT 1
  CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes
  WITH nodes, i, attributes.HeapMemoryUsage.value.properties AS heap
  CALL dbms.queryJmx('java.lang:type=Runtime') YIELD attributes
  RETURN nodes, i.instance_id AS instance, i.embedder AS embedder, i.dimensions AS dimensions,
    heap.used AS used, heap.max AS max, attributes.StartTime.value AS started`;
const RELATIONSHIPS = "MATCH ()-[r]->() WHERE r.valid IS NULL OR r.valid RETURN count(r) AS count";

type Count = { count: number };
interface GraphState extends Record<string, unknown> {
  nodes: number;
  /** Null, as what follows, in a graph that has no identity. */
  instance: string | null;
  embedder: string | null;
  dimensions: number | null;
  used: number;
  max: number;
  started: number;
}

interface Connected {
  driver: Driver;
  password: string;
  /** Whether Neo4j has answered, and so taken the password. */
  accepted: boolean;
}

/** Neo4j: is it there, is it ours, and how large is the graph? */
export function neo4jPart(settings: Settings, time: Timer): Part {
  const { uri, user, passwordFile } = settings.neo4j;
  let connected: Connected | undefined;
  let refused: { password: string; at: number; error: unknown } | undefined;

  const connect = async (): Promise<Connected> => {
    const password = await readSecret(passwordFile);
    if (refused?.password === password && performance.now() - refused.at < REFUSED_PAUSE_MS)
      throw refused.error;
    if (connected?.password !== password) {
      await connected?.driver.close();
      connected = { driver: open(uri, user, password), password, accepted: false };
    }
    return connected;
  };
  const ask = async <Row extends RecordShape>(
    connection: Connected,
    name: string,
    text: string,
    timeout = QUERY_MS,
  ): Promise<{ rows: Row[]; version: string }> => {
    const session = connection.driver.session({ defaultAccessMode: neo4j.session.READ });
    try {
      // Without a transaction of its own, a query is one round trip instead of three.
      const { records, summary } = await time("neo4j", name, () => session.run<Row>(text, {}, { timeout }));
      connection.accepted = true;
      const version = summary.server.agent?.split("/")[1] ?? "unknown";
      return { rows: records.map((record) => record.toObject()), version };
    } catch (error) {
      connection.accepted = false;
      if (reasonOf(error) === "unauthorized")
        refused = { password: connection.password, at: performance.now(), error };
      throw error;
    } finally {
      // Not awaited: closing resets the connection, and a server that hangs would never answer to that.
      session.close().catch(() => {});
    }
  };
  const relationships = new KeptCount(async (connection: Connected) =>
    countOf((await ask<Count>(connection, "count_relationships", RELATIONSHIPS, COUNT_MS)).rows),
  );
  const count = async (connection: Connected) =>
    (await Promise.allSettled([relationships.read(connection)]))[0];

  return {
    name: "neo4j",
    whenDown: (page) => {
      if (page.value("mem0_neo4j_up") !== undefined) return;
      page.set("mem0_neo4j_up", 0);
      relationships.forget();
    },
    collect: async (page, complain) => {
      const connection = await connect();
      // At the same time as the other query, unless the password may be refused: one refusal is enough.
      const counting = connection.accepted ? count(connection) : undefined;
      const { rows, version } = await ask<GraphState>(connection, "state", STATE);
      page.set("mem0_neo4j_up", 1);
      page.set("mem0_component_info", 1, { component: "neo4j", version });
      for (const row of rows) show(page, row, settings.identity);
      const counted = await (counting ?? count(connection));
      if (counted.status === "rejected") return complain(counted.reason);
      page.set("mem0_neo4j_relationships", counted.value.value);
      page.set("mem0_count_age_seconds", counted.value.ageSeconds, { count: "relationships" });
    },
    close: async () => {
      await connected?.driver.close();
    },
  };
}

function open(uri: string, user: string, password: string): Driver {
  return neo4j.driver(
    uri,
    { scheme: "basic", principal: user, credentials: password },
    {
      disableLosslessIntegers: true,
      maxConnectionPoolSize: 2,
      connectionTimeout: CONNECT_MS,
      connectionAcquisitionTimeout: CONNECT_MS,
      // No retries: a scrape tells how it is now, and the next one comes soon.
      maxTransactionRetryTime: 0,
      // Milliseconds of idleness after which a connection is tried before use: Neo4j may have been restarted.
      connectionLivenessCheckTimeout: 5_000,
      telemetryDisabled: true,
      userAgent: "mem0-exporter",
    },
  );
}

function show(
  page: Page,
  found: GraphState,
  { instanceId, embedder, dimensions }: Settings["identity"],
): void {
  page.set("mem0_neo4j_nodes", found.nodes);
  page.set("mem0_count_age_seconds", 0, { count: "nodes" });
  const isOurs =
    found.instance === instanceId && found.embedder === embedder && found.dimensions === dimensions;
  page.set("mem0_identity_match", isOurs ? 1 : 0, { store: "neo4j" });
  page.set("mem0_neo4j_heap_used_bytes", found.used);
  page.set("mem0_neo4j_heap_max_bytes", found.max);
  page.set("mem0_component_start_time_seconds", found.started / 1000, { component: "neo4j" });
}

function countOf([row]: Count[]): number {
  return Number(row?.count);
}
