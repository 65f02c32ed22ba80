import { readFileSync } from "node:fs";
import type { Manifest } from "../../../config/manifest.ts";

/** Runs a statement in a stack's Neo4j, over its HTTP API. Returns the rows; throws what Neo4j complains of. */
export async function cypher(manifest: Manifest, statement: string): Promise<unknown[][]> {
  const password = readFileSync(manifest.secretFiles.neo4j_password ?? "", "utf8");
  const address = `http://127.0.0.1:${manifest.services.neo4j?.ports.http}`;
  const response = await fetch(`${address}/db/neo4j/query/v2`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`neo4j:${password}`).toString("base64")}`,
    },
    body: JSON.stringify({ statement }),
  });
  const answer = (await response.json()) as { data?: { values: unknown[][] }; errors?: unknown };
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.errors));
  return answer.data.values;
}
