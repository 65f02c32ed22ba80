import { Problem } from "../../../base/problem.ts";
import type { Throwaway } from "../../../docker/throwaway.ts";
import { type DeployedService, likeDeployed } from "../../../stack/deployed-service.ts";
import type { Identity } from "../../format/backup-manifest.ts";
import { mostUnpacked } from "../../format/bounds.ts";
import type { OpenPart } from "../../format/part.ts";
import { plainSql } from "./sql-text.ts";

/** What a dump of Postgres holds, read from the dump alone. */
export interface DumpContent {
  /** Rows by table. */
  rows: Map<string, number>;
  indexes: string[];
  identity: Identity | undefined;
  /** Whether it ends as pg_dump ends one. */
  whole: boolean;
}

/** Tells tables with their rows, indexes, the identity and the end of a dump in SQL. */
const READ = String.raw`
!data && /^COPY .* FROM stdin;$/ { table = $2; sub(/^public\./, "", table); gsub(/"/, "", table); data = 1; n = 0; next }
data && $0 == "\\." { print "rows\t" table "\t" n; data = 0; next }
data { n++; if (table == "mem0_identity") print "identity\t" $0; next }
/^CREATE (UNIQUE )?INDEX / { print "index\t" ($2 == "UNIQUE" ? $4 : $3) }
/^-- PostgreSQL database dump complete/ { print "end" }`;

/** The text of a dump in the custom format, which is compressed inside: no more of it than one of its size can hold. */
const UNPACK = `pg_restore -f - | {
  head -c "$2"
  [ "$(head -c 1 | wc -c)" -eq 0 ] || { echo "it unpacks to more than $2 bytes, which none of its size does" >&2; exit 1; }
} |`;

/**
 * Reads a dump from its first byte to its last, in a container of the image that would restore it.
 *
 * @throws Problem when it cannot be read to the end
 */
export async function readDump(
  throwaway: Throwaway,
  postgres: DeployedService,
  dump: OpenPart,
): Promise<DumpContent> {
  const custom = dump.part.format === "pg-custom";
  const most = mostUnpacked(dump.part);
  const ended = await throwaway.run({
    ...likeDeployed(postgres),
    entrypoint: ["bash"],
    command: ["-euo", "pipefail", "-c", `${custom ? UNPACK : ""} awk "$1"`, "read", READ, String(most)],
    input: custom ? dump.open : () => plainSql(dump),
  });
  if (ended.exitCode !== 0) {
    throw new Problem(`the dump cannot be read to its end: ${ended.stderr.trim().split("\n").at(-1)}`, {
      where: dump.part.file,
    });
  }
  return parseListing(ended.stdout);
}

function parseListing(text: string): DumpContent {
  const content: DumpContent = { rows: new Map(), indexes: [], identity: undefined, whole: false };
  for (const line of text.split("\n")) {
    const [kind, ...fields] = line.split("\t");
    if (kind === "rows") content.rows.set(fields[0] ?? "", Number(fields[1]));
    else if (kind === "index") content.indexes.push(fields[0] ?? "");
    else if (kind === "end") content.whole = true;
    else if (kind === "identity") {
      // In the order of the table's columns: only_one, instance_id, embedder, dimensions, ...
      const [, instanceId = "", embedder = "", dimensions] = fields;
      content.identity = { instanceId, embedder, dimensions: Number(dimensions) };
    }
  }
  return content;
}
