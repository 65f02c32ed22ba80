import { createHash } from "node:crypto";
import { z } from "zod";
import { STACK_NAME } from "../../../config/names.ts";
import { BACKUP_ID, TIERS } from "./layout.ts";
import { type ManifestSeal, type SealKey, stackSealSchema } from "./seal.ts";

/** The stores that a backup holds, and the stack's own manifest. */
export const SOURCES = ["postgres", "neo4j", "history", "stack"] as const;

export type SourceName = (typeof SOURCES)[number];

/** How the bytes of a part are to be read, before encryption. */
export const FORMATS = [
  /** pg_dump's custom format, compressed with zstd inside. */
  "pg-custom",
  /** The rows of the memories' table as COPY's binary format has them. */
  "pg-copy-zstd",
  /** All files of a Postgres server as pg_basebackup copies them, in a tar. */
  "pg-files-zstd",
  /** Segments of its log, in a tar. */
  "pg-log-zstd",
  /** SQL as text. */
  "sql",
  "sql-gzip",
  /** neo4j-admin's dump of one database. */
  "neo4j-dump",
  /** The graph as JSON lines: ops/backup/stores/neo4j/graph-lines.ts. */
  "graph-lines-zstd",
  /** A whole SQLite file. */
  "sqlite-zstd",
  "json",
] as const;

export type PartFormat = (typeof FORMATS)[number];

const count = z.int().min(0);
const time = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

// Whoever can write a file can write the checksum that fits: what a manifest says is data of anybody. It stands in
// messages, names files and databases, and is compared with what there is; nothing else than these kinds can be there.
const line = z.string().regex(/^\P{Cc}{0,200}$/u, "no line of at most 200 characters");
const instanceId = z.string().regex(/^[A-Za-z0-9_.-]{0,100}$/, "no identity: letters, digits, `_`, `.`, `-`");
const tableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "no table's name");
const stackName = z.string().regex(STACK_NAME, "no stack's name");

const part = z
  .object({
    source: z.enum(SOURCES),
    /** What of the source it is, e.g. `mem0`, `globals`, `system`, `graph`; of a dump of Neo4j, its database. */
    name: z.string().regex(/^[a-z0-9_]{1,63}$/, "no part's name"),
    /** Path inside the backup. */
    file: z.string().regex(/^[a-z0-9]+\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/, "no file of a backup"),
    format: z.enum(FORMATS),
    /** Size of the file, encrypted or not. */
    bytes: count,
    /** What it holds when it is decrypted and unpacked; absent where it is not this tool that packs it, and before 0.2. */
    unpackedBytes: count.optional(),
    seconds: z.number().min(0),
  })
  .refine(({ source, file }) => file.startsWith(`${source}/`), {
    path: ["file"],
    error: "not in its source's directory",
  })
  .refine(({ format, name }) => format !== "neo4j-dump" || name === "neo4j" || name === "system", {
    path: ["name"],
    error: "no database of Neo4j's",
  });

/** More than any backup has. */
const MOST_PARTS = 32;

const parts = z
  .array(part)
  .max(MOST_PARTS)
  .refine((all) => new Set(all.map(({ file }) => file)).size === all.length, "names a file twice");

/** Raised when what is there means something else; keys that are only added are kept by versions without them. */
const VERSION = 1;

const content = z.object({
  version: z.literal(VERSION),
  id: z.string().regex(BACKUP_ID),
  tier: z.enum(TIERS),
  stack: stackName,
  result: z.enum(["good", "suspect"]),
  /** Why it is suspect. */
  reasons: z.array(z.string().max(2_000)).max(100),
  startedAt: time,
  /** The moment that all parts show. */
  cutAt: time,
  finishedAt: time,
  toolVersion: line,
  identity: z.object({ instanceId, embedder: line, dimensions: count }),
  counts: z.object({
    memories: count,
    users: count,
    nodes: count,
    relationships: count,
    historyEntries: count,
  }),
  versions: z.object({ postgres: line, pgvector: line, neo4j: line }),
  collection: tableName,
  /** Of the processor that Postgres' files are for, as Docker calls it; absent where there are none. */
  architecture: line.optional(),
  parts,
  /** Age recipients; null when the parts are not encrypted. */
  encryption: z.object({ recipients: z.array(line).min(1) }).nullable(),
  /** How long writers were turned away. */
  writesHeldSeconds: z.number().min(0),
  /** How long Neo4j did not answer; 0 when it went on. */
  neo4jStoppedSeconds: z.number().min(0),
  /** SHA-256 of SHA256SUMS, which covers every part. */
  checksums: sha256,
  /** Absent in a backup from before there were such seals, and of a stack that has no key yet. */
  stackSeal: stackSealSchema.optional(),
});

/** manifest.json of a backup, written last; `seal` is the SHA-256 of all the rest, which finds damage, not forgery. */
export const backupManifestSchema = content.extend({ seal: sha256 });

export type BackupManifest = z.output<typeof backupManifestSchema>;
export type BackupContent = z.output<typeof content>;
export type Part = z.output<typeof part>;
export type Counts = BackupManifest["counts"];
export type Identity = BackupManifest["identity"];

/**
 * The file's text, sealed: the same content gives the same text, in one order of keys.
 *
 * @param key the stack's; without it a seal of the stack is left as it is
 */
export function renderBackupManifest(value: BackupContent, key?: SealKey): string {
  const { stackSeal: former, ...body } = content.loose().parse(value);
  const stackSeal = key?.sign(JSON.stringify(body)) ?? former;
  const ordered = { ...body, ...(stackSeal === undefined ? {} : { stackSeal }) };
  const seal = createHash("sha256").update(JSON.stringify(ordered)).digest("hex");
  return `${JSON.stringify({ ...ordered, seal }, null, 2)}\n`;
}

/** What a manifest.json that `parseBackupManifest` took says of the stack's seal. */
export function readManifestSeal(text: string): ManifestSeal {
  const { seal: _, stackSeal, ...body } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  return { content: JSON.stringify(body), by: stackSealSchema.optional().parse(stackSeal) };
}

/** A backup of a version after this one: whole, and not to be judged here. */
export class NewerBackup extends Error {}

/**
 * Reads the text of a manifest.json. Its seal covers keys too that this version does not know.
 *
 * @throws NewerBackup; Error when a single bit of it is not as it was written
 */
export function parseBackupManifest(text: string): BackupManifest {
  const { seal, ...rest } = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  const sealed = createHash("sha256").update(JSON.stringify(rest)).digest("hex");
  if (seal !== sealed || `${JSON.stringify({ ...rest, seal }, null, 2)}\n` !== text) {
    throw new Error("its seal does not fit its content");
  }
  if (typeof rest.version === "number" && rest.version > VERSION) {
    throw new NewerBackup(
      `it is whole, and of version ${rest.version}, where this checkout reads ${VERSION}: take a newer checkout for it, and do not discard it`,
    );
  }
  return backupManifestSchema.loose().parse({ ...rest, seal });
}
