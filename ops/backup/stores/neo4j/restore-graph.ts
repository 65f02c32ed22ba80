import type { Driver } from "neo4j-driver-lite";
import { Problem } from "../../../base/problem.ts";
import type { Counts } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { gunzipped } from "../../format/streams.ts";
import type { GraphParts } from "../store.ts";
import { GRAPH_COUNTS } from "./dump.ts";
import { replaceSchema, requireOwnLabels } from "./own-schema.ts";
import type { ThrowawayGraph } from "./restore.ts";
import { importGraphLines } from "./restore-lines.ts";

/** Files that an archive may hold: a store of Neo4j has some 50. */
const MOST_FILES = 5_000;

/**
 * Takes the files of the database \`neo4j\` out of an archive of Neo4j's directory of data, which may lie some levels down
 * in it, and nothing else: the database \`system\` holds logins, \`dbms\` a password. A link among them would lead the
 * server to files of its own container, such as its secrets.
 */
const UNPACK = `
mkdir /data/unpacked
cd /data/unpacked
tar --extract --verbose --no-same-owner --wildcards '*databases/neo4j/*' '*transactions/neo4j/*' 2>/data/said |
  awk 'NR > ${MOST_FILES} { print "it holds more than ${MOST_FILES} files" > "/dev/stderr"; exit 1 }' || {
  grep -q 'Not found in archive' /data/said &&
    echo "the archive holds no directories databases/neo4j and transactions/neo4j of Neo4j" >&2 || cat /data/said >&2
  exit 1
}
strange=$(find . ! -type d \\( ! -type f -o -links +1 \\) -print -quit)
[ -z "$strange" ] || { echo "it holds $strange, which is no file but a link or a device" >&2; exit 1; }
store=$(find . -type d -path '*databases/neo4j' -print -quit)
root=$(dirname "$(dirname "$store")")
mkdir -p /data/neo4j/databases /data/neo4j/transactions
mv "$store" /data/neo4j/databases/
mv "$root/transactions/neo4j" /data/neo4j/transactions/
chmod -R u+rwX,go-rwx /data/neo4j
cd /data
rm -rf /data/unpacked /data/said`;

/**
 * Brings a backup's graph into an empty throw-away Neo4j, and leaves it running. The database `system`, and with it every
 * login, is always the new server's own, as indexes and constraints are the memory server's.
 *
 * @returns a driver for it
 * @throws Problem when the graph cannot be read, or holds nodes that would pass for the memory server's own
 */
export async function startGraph(graph: ThrowawayGraph, parts: GraphParts): Promise<Driver> {
  if (parts.kind === "lines") {
    const driver = await graph.start({ briefly: false });
    await importGraphLines(parts.part, driver, graph.stack);
    return driver;
  }
  const where = parts.kind === "dumps" ? await loadDump(graph, parts.parts) : parts.file;
  if (parts.kind === "files")
    await graph.script(UNPACK, { input: { ...parts, open: () => gunzipped(parts, parts.open) } });
  const driver = await graph.start({ briefly: true });
  await requireOwnLabels(driver, where);
  await replaceSchema(driver);
  return driver;
}

/** @returns the file of the dump */
async function loadDump(graph: ThrowawayGraph, parts: readonly OpenPart[]): Promise<string> {
  const dump = parts.find(({ part }) => part.name === "neo4j");
  if (dump === undefined) throw new Problem("the backup holds no dump of Neo4j's database neo4j");
  await graph.load(dump);
  return dump.part.file;
}

/** Counts as a backup's manifest has them. */
export async function countGraph(driver: Driver): Promise<Pick<Counts, "nodes" | "relationships">> {
  const { records } = await driver.executeQuery(GRAPH_COUNTS);
  return { nodes: Number(records[0]?.get("nodes")), relationships: Number(records[0]?.get("relationships")) };
}
