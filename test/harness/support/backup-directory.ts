import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type BackupContent, renderBackupManifest } from "../../../ops/backup/format/backup-manifest.ts";
import { FILES, layout, type Tier, timeOf } from "../../../ops/backup/format/layout.ts";
import { SealKey } from "../../../ops/backup/format/seal.ts";

/** What a manifest says, with some of it other than in the example. */
export function exampleContent(id: string, tier: Tier, other: Partial<BackupContent> = {}): BackupContent {
  const time = timeOf(id)?.toISOString() ?? "";
  return {
    version: 1,
    id,
    tier,
    stack: "test",
    result: "good",
    reasons: [],
    startedAt: time,
    cutAt: time,
    finishedAt: time,
    toolVersion: "0.1.0",
    identity: { instanceId: "i-1", embedder: "mem0-embedded", dimensions: 384 },
    counts: { memories: 100, users: 3, nodes: 50, relationships: 60, historyEntries: 120 },
    versions: { postgres: "17.12", pgvector: "0.8.0", neo4j: "5.26.30" },
    collection: "memories",
    parts: [],
    encryption: null,
    writesHeldSeconds: 0.4,
    neo4jStoppedSeconds: 0,
    checksums: "0".repeat(64),
    ...other,
  };
}

/** The text of a manifest that says whatever is wished, sealed as anybody can. */
export function forgeManifest(content: object): string {
  const seal = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  return `${JSON.stringify({ ...content, seal }, null, 2)}\n`;
}

/** The seal key of a stack that there is not. */
export const exampleSealKey = (sign = "k"): SealKey => new SealKey(sign.repeat(43));

/**
 * Writes a whole backup of two small parts under `root`, good or suspect; returns its directory.
 *
 * @param key seals it; none as backups were from before there were seals
 */
export function writeExampleBackup(
  root: string,
  tier: Tier,
  id: string,
  other: Partial<BackupContent> = {},
  key?: SealKey,
): string {
  const directory =
    other.result === "suspect" ? layout.suspect(root, tier, id) : layout.backup(root, tier, id);
  const files = {
    [`postgres/mem0_${id}.dump`]: `rows of ${id}`,
    [`history/history_${id}.db.zst`]: "changes",
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  }
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const sums = Object.entries(files)
    .map(([file, text]) => `${sha256(text)}  ${file}\n`)
    .sort()
    .join("");
  writeFileSync(path.join(directory, FILES.checksums), sums);
  const parts: BackupContent["parts"] = Object.entries(files).map(([file, text]) => ({
    source: file.startsWith("postgres") ? "postgres" : "history",
    name: file.startsWith("postgres") ? "mem0" : "history",
    file,
    format: file.startsWith("postgres") ? "pg-custom" : "sqlite-zstd",
    bytes: text.length,
    seconds: 0.1,
  }));
  const content = exampleContent(id, tier, { parts, checksums: sha256(sums), ...other });
  writeFileSync(path.join(directory, FILES.manifest), renderBackupManifest(content, key));
  return directory;
}
