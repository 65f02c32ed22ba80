import type { Driver, Session } from "neo4j-driver-lite";
import { Problem } from "../../../base/problem.ts";

/** An index of the graph, or a constraint that no two nodes of a label have the same value. */
interface SchemaObject {
  kind: "INDEX" | "CONSTRAINT";
  name: string;
  label: string;
  properties: readonly string[];
}

/** All that the memory server makes in a graph (SCHEMA in services/server/memory_server/graph.py). */
export const OWN_SCHEMA: readonly SchemaObject[] = [
  { kind: "INDEX", name: "entity_single", label: "__Entity__", properties: ["user_id"] },
  { kind: "INDEX", name: "entity_composite", label: "__Entity__", properties: ["name", "user_id"] },
  { kind: "INDEX", name: "entity_agent", label: "__Entity__", properties: ["agent_id"] },
  { kind: "INDEX", name: "entity_run", label: "__Entity__", properties: ["run_id"] },
  { kind: "CONSTRAINT", name: "mem0_applied", label: "Mem0Applied", properties: ["id"] },
  { kind: "CONSTRAINT", name: "mem0_identity", label: "Mem0Identity", properties: ["only_one"] },
];

/** The labels of the memory server's own bookkeeping, which the counts of a manifest leave out. */
export const BOOKKEEPING: readonly string[] = ["Mem0Identity", "Mem0Applied"];

/** The statement that makes one of them, as the memory server writes it. */
export function statementOf({ kind, name, label, properties }: SchemaObject): string {
  const keys = properties.map((property) => `n.${property}`).join(", ");
  const what = kind === "INDEX" ? `ON (${keys})` : `REQUIRE ${keys} IS UNIQUE`;
  return `CREATE ${kind} ${name} IF NOT EXISTS FOR (n:${label}) ${what}`;
}

/** Makes those indexes or constraints of the memory server that are missing. */
export async function layOwn(session: Session, kind: SchemaObject["kind"]): Promise<void> {
  for (const own of OWN_SCHEMA.filter((one) => one.kind === kind)) await session.run(statementOf(own));
}

/** What else there is of each kind, with what it is for: an index of a constraint comes and goes with that. */
const PRESENT: Record<SchemaObject["kind"], string> = {
  CONSTRAINT: "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties",
  INDEX:
    "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, owningConstraint " +
    "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL",
};

const TYPES: Record<SchemaObject["kind"], string> = { CONSTRAINT: "UNIQUENESS", INDEX: "RANGE" };

/**
 * Leaves a store that came from elsewhere with the memory server's indexes and constraints, and no others: one on a
 * user's entities could refuse whatever is to be written later.
 */
export async function replaceSchema(driver: Driver): Promise<void> {
  const session = driver.session();
  try {
    for (const kind of ["CONSTRAINT", "INDEX"] as const) {
      const own = new Set(
        OWN_SCHEMA.filter((one) => one.kind === kind).map(({ label, properties }) =>
          JSON.stringify([TYPES[kind], "NODE", [label], properties]),
        ),
      );
      const { records } = await session.run(PRESENT[kind]);
      for (const record of records) {
        const is = JSON.stringify(
          ["type", "entityType", "labelsOrTypes", "properties"].map((key) => record.get(key)),
        );
        if (!own.has(is)) await session.run(`DROP ${kind} $name`, { name: record.get("name") });
      }
      await layOwn(session, kind);
    }
    await session.run("CALL db.awaitIndexes(600)");
  } finally {
    await session.close();
  }
}

/**
 * A label by which a node would pass for one of the memory server's own; undefined when it has none. The server's own
 * nodes have one label each, and nobody else's begins with `Mem0`.
 */
export function shadowingLabel(labels: readonly string[]): string | undefined {
  if (labels.length === 1 && BOOKKEEPING.includes(labels[0] ?? "")) return undefined;
  return labels.find((label) => label.startsWith("Mem0"));
}

/**
 * Looks for nodes in a store that came from elsewhere that would pass for the memory server's own.
 *
 * @throws Problem that names the label
 */
export async function requireOwnLabels(driver: Driver, where: string): Promise<void> {
  const { records } = await driver.executeQuery("CALL db.labels() YIELD label RETURN label");
  const reserved = records
    .map((record) => String(record.get("label")))
    .filter((label) => label.startsWith("Mem0"));
  for (const label of reserved) {
    const alone = BOOKKEEPING.includes(label) ? "size(labels(n)) > 1" : "true";
    const text = `MATCH (n:$($label)) WHERE ${alone} RETURN 1 LIMIT 1`;
    if ((await driver.executeQuery(text, { label })).records.length > 0) throw shadows(label, where);
  }
  const identities = await driver.executeQuery("MATCH (n:Mem0Identity) RETURN n.only_one AS one LIMIT 2");
  if (identities.records.length > 1) throw shadows("Mem0Identity", where);
}

/** The refusal of a graph that holds what would pass for the memory server's own. */
export function shadows(label: string, where: string): Problem {
  return new Problem(
    `the graph holds nodes of the label ${JSON.stringify(label)} that the memory server did not write: by such nodes it knows its own`,
    { where, mend: "restore the memories without the graph: --only postgres" },
  );
}
