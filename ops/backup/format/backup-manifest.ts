import { createHash } from "node:crypto";
import { z } from "zod";
import { BACKUP_ID, TIERS } from "./layout.ts";

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

const part = z.strictObject({
  source: z.enum(SOURCES),
  /** What of the source it is, e.g. `mem0`, `globals`, `system`, `graph`. */
  name: z.string(),
  /** Path inside the backup. */
  file: z.string().regex(/^[a-z0-9_]+\/[A-Za-z0-9_.-]+$/),
  format: z.enum(FORMATS),
  /** Size of the file, encrypted or not. */
  bytes: count,
  seconds: z.number().min(0),
});

const content = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(BACKUP_ID),
  tier: z.enum(TIERS),
  stack: z.string(),
  result: z.enum(["good", "suspect"]),
  /** Why it is suspect. */
  reasons: z.array(z.string()),
  startedAt: time,
  /** The moment that all parts show. */
  cutAt: time,
  finishedAt: time,
  toolVersion: z.string(),
  identity: z.strictObject({ instanceId: z.string(), embedder: z.string(), dimensions: z.int() }),
  counts: z.strictObject({
    memories: count,
    users: count,
    nodes: count,
    relationships: count,
    historyEntries: count,
  }),
  versions: z.strictObject({ postgres: z.string(), pgvector: z.string(), neo4j: z.string() }),
  collection: z.string(),
  /** Of the processor that Postgres' files are for, as Docker calls it; absent where there are none. */
  architecture: z.string().optional(),
  parts: z.array(part),
  /** Age recipients; null when the parts are not encrypted. */
  encryption: z.strictObject({ recipients: z.array(z.string()).min(1) }).nullable(),
  /** How long writers were turned away. */
  writesHeldSeconds: z.number().min(0),
  /** How long Neo4j did not answer; 0 when it went on. */
  neo4jStoppedSeconds: z.number().min(0),
  /** SHA-256 of SHA256SUMS, which covers every part. */
  checksums: sha256,
});

/** manifest.json of a backup, written last; `seal` is the SHA-256 of all the rest. */
export const backupManifestSchema = content.extend({ seal: sha256 });

export type BackupManifest = z.output<typeof backupManifestSchema>;
export type BackupContent = z.output<typeof content>;
export type Part = z.output<typeof part>;
export type Counts = BackupManifest["counts"];
export type Identity = BackupManifest["identity"];

/** The file's text, sealed: the same content gives the same text, in one order of keys. */
export function renderBackupManifest(value: BackupContent): string {
  const ordered = content.parse(value);
  const seal = createHash("sha256").update(JSON.stringify(ordered)).digest("hex");
  return `${JSON.stringify({ ...ordered, seal }, null, 2)}\n`;
}

/**
 * Reads the text of a manifest.json.
 *
 * @throws Error when a single bit of it is not as it was written
 */
export function parseBackupManifest(text: string): BackupManifest {
  const manifest = backupManifestSchema.parse(JSON.parse(text));
  const { seal, ...rest } = manifest;
  if (renderBackupManifest(rest) !== text) throw new Error("its seal does not fit its content");
  return { ...rest, seal };
}
