import type { Driver } from "neo4j-driver-lite";
import type { Counts } from "../../format/backup-manifest.ts";
import type { GraphParts } from "../store.ts";
import { GRAPH_COUNTS } from "./dump.ts";
import type { ThrowawayGraph } from "./restore.ts";
import { importGraphLines } from "./restore-lines.ts";

/** Neo4j's directory of data may lie some levels down in the archive. */
const UNPACK = `
mkdir /data/unpacked
tar --extract --gzip --no-same-owner --directory /data/unpacked
databases=$(find /data/unpacked -maxdepth 4 -type d -name databases | head -n 1)
[ -n "$databases" ] || { echo "the archive holds no directory 'databases' of Neo4j" >&2; exit 1; }
mv "$(dirname "$databases")" /data/neo4j
chmod -R u+rwX /data/neo4j
rm -rf /data/unpacked`;

/**
 * Brings a backup's graph into an empty throw-away Neo4j, and leaves it running.
 *
 * @returns a driver for it
 */
export async function startGraph(graph: ThrowawayGraph, parts: GraphParts): Promise<Driver> {
  if (parts.kind === "dumps") for (const part of parts.parts) await graph.load(part);
  if (parts.kind === "files") await graph.script(UNPACK, { input: parts });
  const driver = await graph.start({ briefly: parts.kind !== "lines" });
  if (parts.kind === "lines") await importGraphLines(parts.part, driver);
  return driver;
}

/** Counts as a backup's manifest has them. */
export async function countGraph(driver: Driver): Promise<Pick<Counts, "nodes" | "relationships">> {
  const { records } = await driver.executeQuery(GRAPH_COUNTS);
  return { nodes: Number(records[0]?.get("nodes")), relationships: Number(records[0]?.get("relationships")) };
}
