import type { Readable } from "node:stream";
import neo4j, { type Driver, Neo4jError, type Session } from "neo4j-driver-lite";
import { byteLines, utf8 } from "../../../base/byte-lines.ts";
import { Problem } from "../../../base/problem.ts";
import { counted } from "../../../base/words.ts";
import type { Identity } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { decompressed, otherFormat } from "../../format/streams.ts";
import { lookAtBackup } from "../store.ts";
import { decodeValue, type Encoded, type GraphLine, parseGraphLine } from "./graph-lines.ts";
import { BOOKKEEPING, layOwn, shadowingLabel, shadows } from "./own-schema.ts";

/** Rows of one transaction: with an embedding of 1,536 floats in each, 2.5 MB. */
const BATCH = 200;

/** Longest line that is taken: an embedding of 4,096 floats takes 22 KB of it, a text of a memory may take some more. */
const MAX_LINE_BYTES = 16 * 1024 ** 2;

type Node = Extract<GraphLine, { type: "node" }>;
type Relationship = Extract<GraphLine, { type: "relationship" }>;

/** What a file of graph lines holds. */
export interface GraphContent {
  /** Without the server's own bookkeeping. */
  nodes: number;
  relationships: number;
  identity: Identity | undefined;
}

/**
 * Reads graph lines from the first to the last, and proves that they fit together.
 *
 * @throws Problem when one is not as it should be, or when the end is missing
 */
export async function readGraphLines(
  part: OpenPart,
  take: {
    node?: (node: Node) => Promise<void>;
    relationship?: (one: Relationship) => Promise<void>;
  } = {},
): Promise<GraphContent> {
  const content: GraphContent = { nodes: 0, relationships: 0, identity: undefined };
  const ids = new Set<number>();
  const { file } = part.part;
  let end: Extract<GraphLine, { type: "end" }> | undefined;
  let number = 0;
  const wrong = (what: string) => new Problem(`line ${number} of the graph ${what}`, { where: file });
  for await (const bytes of byteLines(unpacked(part), MAX_LINE_BYTES)) {
    number += 1;
    if (end !== undefined) throw wrong("comes after its end");
    const line = parseGraphLine(utf8(bytes));
    if (typeof line === "string") throw wrong(line);
    if ((line.type === "header") !== (number === 1)) throw wrong("is not where it belongs");
    switch (line.type) {
      case "node": {
        const { labels } = line;
        const id = idOf(line.id);
        if (ids.has(id)) throw wrong("is a node that was there before");
        ids.add(id);
        const shadowing = shadowingLabel(labels);
        if (shadowing !== undefined) throw shadows(shadowing, `${file}, line ${number}`);
        if (!labels.some((label) => BOOKKEEPING.includes(label))) content.nodes += 1;
        if (labels.includes("Mem0Identity")) {
          if (content.identity !== undefined) throw wrong("is a second identity");
          content.identity = identityOf(line);
        }
        await take.node?.(line);
        break;
      }
      case "relationship":
        if (!ids.has(idOf(line.start)) || !ids.has(idOf(line.end)))
          throw wrong("joins a node that is not there");
        content.relationships += 1;
        await take.relationship?.(line);
        break;
      case "end":
        end = line;
    }
  }
  if (end === undefined) throw wrong("is the last, and no end: the file is cut off");
  if (end.nodes !== ids.size || end.relationships !== content.relationships) {
    throw wrong(
      `promises ${counted(end.nodes, "node")} and ${counted(end.relationships, "relationship")}, and there are others`,
    );
  }
  return content;
}

/**
 * Writes graph lines into an empty database, with the memory server's own indexes and constraints: those that the header
 * names are what the graph had, and are never run.
 *
 * @throws Problem when a line is not as it should be, or Neo4j does not take it
 */
export async function importGraphLines(part: OpenPart, driver: Driver, stack: string): Promise<void> {
  const session = driver.session();
  const made = new Map<number, number>();
  const nodes = new Batches<Node>(async (batch) => {
    for (const [id, madeId] of await createNodes(session, batch)) made.set(id, madeId);
  });
  const relationships = new Batches<Relationship>((batch) => createRelationships(session, batch, made));
  try {
    await layOwn(session, "CONSTRAINT");
    await readGraphLines(part, {
      node: (node) => nodes.add(node),
      relationship: async (relationship) => {
        await nodes.flush();
        await relationships.add(relationship);
      },
    });
    await nodes.flush();
    await relationships.flush();
    // Made quicker when all is there.
    await layOwn(session, "INDEX");
    await session.run("CALL db.awaitIndexes(600)");
  } catch (error) {
    if (!(error instanceof Neo4jError)) throw error;
    throw new Problem(`Neo4j does not take the graph: ${error.message}`, {
      where: part.part.file,
      mend: lookAtBackup(stack),
      cause: error,
    });
  } finally {
    await session.close();
  }
}

async function createNodes(session: Session, batch: Node[]): Promise<[number, number][]> {
  const text = `
    UNWIND $rows AS row
    CREATE (n) SET n:$(row.labels), n = row.properties
    WITH n, row
    CALL (n, row) {
      UNWIND row.vectors AS vector
      CALL db.create.setNodeVectorProperty(n, vector.key, vector.value)
      RETURN count(*) AS vectors
    }
    RETURN row.id AS id, id(n) AS made`;
  const rows = batch.map(({ id, labels, properties }) => {
    const all = Object.entries(properties);
    // Only the procedure stores floats in 4 bytes, as the memory server has them stored.
    const vectors = all.filter(([, value]) => isVector(value));
    const rest = all.filter(([, value]) => !isVector(value));
    return {
      id: idOf(id),
      labels,
      properties: decodeAll(rest),
      vectors: vectors.map(([key, value]) => ({ key, value: decoded(key, value) })),
    };
  });
  const { records } = await session.run(text, { rows });
  return records.map((record) => [Number(record.get("id")), Number(record.get("made"))]);
}

async function createRelationships(
  session: Session,
  batch: Relationship[],
  made: ReadonlyMap<number, number>,
): Promise<void> {
  const text = `
    UNWIND $rows AS row
    MATCH (s) WHERE id(s) = row.start
    MATCH (d) WHERE id(d) = row.end
    CREATE (s)-[r:$(row.kind)]->(d) SET r = row.properties`;
  const rows = batch.map(({ start, end, kind, properties }) => ({
    start: neo4j.int(made.get(idOf(start)) ?? -1),
    end: neo4j.int(made.get(idOf(end)) ?? -1),
    kind,
    properties: decodeAll(Object.entries(properties)),
  }));
  const { summary } = await session.run(text, { rows });
  const { relationshipsCreated } = summary.counters.updates();
  if (relationshipsCreated === batch.length) return;
  throw new Problem(`Neo4j made ${relationshipsCreated} of ${counted(batch.length, "relationship")}`);
}

function decodeAll(properties: [string, Encoded][]): Record<string, unknown> {
  return Object.fromEntries(properties.map(([key, value]) => [key, decoded(key, value)]));
}

function decoded(key: string, value: Encoded): unknown {
  try {
    return decodeValue(value);
  } catch (cause) {
    const what = `the property ${JSON.stringify(key)} of the graph cannot be read: ${(cause as Error).message}`;
    throw new Problem(what, { cause });
  }
}

function isVector(value: Encoded): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && "$f32" in value;
}

/** Ids of a file differ in their last number alone. */
function idOf(id: string): number {
  return Number(id.slice(id.lastIndexOf(":") + 1));
}

function identityOf({ properties }: Node): Identity {
  return {
    instanceId: String(properties.instance_id),
    embedder: String(properties.embedder),
    dimensions: Number(decoded("dimensions", properties.dimensions ?? null)),
  };
}

function unpacked(part: OpenPart): Readable {
  if (part.part.format !== "graph-lines-zstd") throw otherFormat(part.part, "a graph as lines");
  return decompressed(part);
}

class Batches<T> {
  #rows: T[] = [];
  readonly #write: (rows: T[]) => Promise<void>;

  constructor(write: (rows: T[]) => Promise<void>) {
    this.#write = write;
  }

  async add(row: T): Promise<void> {
    this.#rows.push(row);
    if (this.#rows.length >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    await this.#write(rows);
  }
}
