import { createHash } from "node:crypto";
import { graphLines } from "../../../ops/backup/stores/neo4j/dump.ts";
import type { GraphLine } from "../../../ops/backup/stores/neo4j/graph-lines.ts";
import { execInContainer } from "../../../ops/docker/command.ts";
import type { DeployedStack } from "../../../ops/stack/deployed-stack.ts";

/** Checksums of all that a stack stores, by store: equal when, and only when, the content is. */
export interface StackContent {
  postgres: string;
  neo4j: string;
  history: string;
}

/** Reads all of a stack's data, whatever ids and order the stores give it. */
export async function stackContent(stack: DeployedStack): Promise<StackContent> {
  try {
    const [postgres, neo4j, history] = await Promise.all([rows(stack), graph(stack), changes(stack)]);
    return { postgres, neo4j, history };
  } finally {
    await stack.close();
  }
}

async function rows(stack: DeployedStack): Promise<string> {
  const text = `SELECT md5(coalesce(string_agg(md5(id::text || vector::text || payload::text), '' ORDER BY id), '')) AS sum
    FROM "${stack.manifest.database.collection}"`;
  return (await (await stack.postgres()).query<{ sum: string }>(text)).rows[0]?.sum ?? "";
}

/** Nodes by what they say; relationships by what their ends say: two graphs with the same sum are isomorphic. */
async function graph(stack: DeployedStack): Promise<string> {
  const said = new Map<string, string>();
  const lines: string[] = [];
  for await (const line of graphLines(stack.neo4j)) {
    if (line.type === "node" && !isBookkeeping(line)) {
      const text = JSON.stringify([[...line.labels].sort(), line.properties]);
      said.set(line.id, text);
      lines.push(text);
    } else if (line.type === "relationship") {
      lines.push(JSON.stringify([said.get(line.start), line.kind, line.properties, said.get(line.end)]));
    }
  }
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex");
}

/**
 * Which writes the server has carried out is no part of anybody's memory, and is tidied at its start; whose the data is
 * changes when another instance takes it over, and the server looks at it when it starts.
 */
function isBookkeeping({ labels }: Extract<GraphLine, { type: "node" }>): boolean {
  return labels.includes("Mem0Applied") || labels.includes("Mem0Identity");
}

async function changes(stack: DeployedStack): Promise<string> {
  const script =
    "import hashlib, sqlite3; db = sqlite3.connect('file:/data/history.db?mode=ro', uri=True); " +
    "print(hashlib.sha256(repr(db.execute('SELECT * FROM history ORDER BY id').fetchall()).encode()).hexdigest())";
  const python = ["python3", "-c", script];
  const { stdout, stderr, exitCode } = await execInContainer(stack.docker, stack.container("server"), python);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout.trim();
}
