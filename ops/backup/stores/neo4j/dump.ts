import { Readable } from "node:stream";
import { createZstdCompress } from "node:zlib";
import type { Driver, Session } from "neo4j-driver-lite";
import type { PartSink } from "../../format/part.ts";
import { type Cut, NO_IDENTITY } from "../cut.ts";
import { ZSTD_LEVEL } from "../history/dump.ts";
import type { DumpedStore } from "../store.ts";
import { encodeValue, type GraphLine } from "./graph-lines.ts";
import { readGraphIdentity } from "./restore.ts";
import { cloneStore } from "./store-clone.ts";

/** Nodes that belong to the server's own bookkeeping and not to anybody's memory. */
const OURS = "NOT n:Mem0Identity AND NOT n:Mem0Applied";

/** What `counts.nodes` and `counts.relationships` of a backup's manifest count. */
export const GRAPH_COUNTS = `
  CALL () { MATCH (n) WHERE ${OURS} RETURN count(n) AS nodes }
  CALL () { MATCH ()-[r]->() RETURN count(r) AS relationships }
  RETURN nodes, relationships`;

/**
 * What reads the graph, row by row as the rows are taken. Without any order: the scans go by id, and a sort keeps every
 * row that it has handed on, with its embedding, which at 100,000 nodes is more than Neo4j's heap.
 */
export const GRAPH_READS = {
  nodes: "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS properties",
  relationships: `MATCH (s)-[r]->(d)
    RETURN elementId(s) AS start, elementId(d) AS end, type(r) AS kind, properties(r) AS properties`,
};
const CONSTRAINTS =
  "SHOW CONSTRAINTS YIELD name, createStatement RETURN createStatement AS statement ORDER BY name";
// Indexes of constraints come with those, and every database has the look-up indexes.
const INDEXES = `
  SHOW INDEXES YIELD name, type, owningConstraint, createStatement
  WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN createStatement AS statement ORDER BY name`;

/** Rows that are fetched at a time: with an embedding of 1,536 floats in each, 2.5 MB. */
const FETCH_SIZE = 100;

/** Lines are handed on in pieces of about this size. */
const PIECE_BYTES = 256 * 1024;

export const neo4jDump: DumpedStore = {
  source: "neo4j",
  async dump(cut, sink) {
    const { stack, stopNeo4j } = cut;
    await readCounts(cut, stack.neo4j).catch((cause) => {
      throw stack.silent("Neo4j", "neo4j", cause);
    });
    if (stopNeo4j) await dumpDatabases(cut, sink);
    else await exportGraph(cut, sink, stack.neo4j);
  },
};

/** Counts, version and identity: of a graph that holds still, exactly what the dump holds. */
async function readCounts({ found }: Cut, driver: Driver): Promise<void> {
  const { records, summary } = await driver.executeQuery(GRAPH_COUNTS);
  found.counts.nodes = Number(records[0]?.get("nodes"));
  found.counts.relationships = Number(records[0]?.get("relationships"));
  found.versions.neo4j = summary.server.agent?.split("/")[1] ?? "";
  found.identities.neo4j = (await readGraphIdentity(driver)) ?? NO_IDENTITY;
}

async function exportGraph(cut: Cut, sink: PartSink, driver: Driver): Promise<void> {
  await sink.write({
    source: "neo4j",
    name: "graph",
    fileName: `graph_${cut.id}.jsonl.zst`,
    format: "graph-lines-zstd",
    produce: () => ({
      stream: Readable.from(inPieces(graphLines(driver)), { objectMode: false }),
      through: [createZstdCompress(ZSTD_LEVEL)],
      done: Promise.resolve(),
    }),
  });
}

/** All lines of the graph, read as fast as they are taken. The graph must hold still. */
export async function* graphLines(driver: Driver): AsyncGenerator<GraphLine> {
  const session = driver.session({ defaultAccessMode: "READ", fetchSize: FETCH_SIZE });
  try {
    const statements = async (text: string) =>
      (await session.run(text)).records.map((record) => String(record.get("statement")));
    yield {
      type: "header",
      format: 1,
      constraints: await statements(CONSTRAINTS),
      indexes: await statements(INDEXES),
    };
    let nodes = 0;
    for await (const row of rows<{ id: string; labels: string[]; properties: object }>(
      session,
      GRAPH_READS.nodes,
    )) {
      nodes += 1;
      yield { type: "node", id: row.id, labels: row.labels, properties: encodeAll(row.properties) };
    }
    let relationships = 0;
    type Row = { start: string; end: string; kind: string; properties: object };
    for await (const row of rows<Row>(session, GRAPH_READS.relationships)) {
      relationships += 1;
      const { start, end, kind } = row;
      yield { type: "relationship", start, end, kind, properties: encodeAll(row.properties) };
    }
    yield { type: "end", nodes, relationships };
  } finally {
    await session.close();
  }
}

async function* rows<Row extends object>(session: Session, text: string): AsyncGenerator<Row> {
  for await (const record of session.run(text)) yield record.toObject() as Row;
}

function encodeAll(properties: object): Record<string, ReturnType<typeof encodeValue>> {
  return Object.fromEntries(
    Object.entries(properties)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, encodeValue(value)]),
  );
}

async function* inPieces(lines: AsyncIterable<GraphLine>): AsyncGenerator<Buffer> {
  let piece: string[] = [];
  let size = 0;
  for await (const line of lines) {
    const text = `${JSON.stringify(line)}\n`;
    piece.push(text);
    size += text.length;
    if (size < PIECE_BYTES) continue;
    yield Buffer.from(piece.join(""));
    piece = [];
    size = 0;
  }
  yield Buffer.from(piece.join(""));
}

async function dumpDatabases({ stack, id, found, report }: Cut, sink: PartSink): Promise<void> {
  const clone = await cloneStore(stack, report);
  found.neo4jStoppedSeconds = clone.stoppedSeconds;
  try {
    for (const database of ["neo4j", "system"]) {
      await sink.write({
        source: "neo4j",
        name: database,
        fileName: `${database}_${id}.dump`,
        format: "neo4j-dump",
        produce: () =>
          clone.run(
            ["neo4j-admin", "database", "dump", database, "--to-stdout"],
            `the dump of Neo4j's database ${database}`,
          ),
      });
    }
  } finally {
    await clone.remove();
  }
}
