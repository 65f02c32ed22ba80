import { readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { lookBelow, readBelow, streamBelow } from "../../base/below.ts";
import { isFinderFile } from "../../base/finder-files.ts";
import { Problem } from "../../base/problem.ts";
import { type BackupManifest, type Part, parseBackupManifest } from "../format/backup-manifest.ts";
import { oldChecksums } from "../format/checksums.ts";
import { BACKUP_ID, FILES } from "../format/layout.ts";
import type { OpenPart } from "../format/part.ts";
import { openPart } from "../format/part-files.ts";
import { SEAL_WORDS, type SealKey, type SealState } from "../format/seal.ts";
import {
  type Backup,
  type Catalogue,
  isWhole,
  newestGood,
  readBackup,
  readCatalogue,
  unusable,
  whyUnreadable,
} from "../keep/catalogue.ts";
import { backupsVerb } from "../keep/root.ts";
import type { GraphParts, PostgresFiles, PostgresParts } from "../stores/store.ts";
import { takenOnTrust } from "../trust.ts";

/** A backup as a restore sees it: one of ours, or one of the old operations guide's form. */
export interface Restorable {
  id: string;
  directory: string;
  /** Undefined for one of the old form. */
  manifest: BackupManifest | undefined;
  /** Who sealed it: what this stack did not seal is loaded on a person's word alone, and never as files of a server. */
  sealed: SealState;
  postgres: PostgresParts | undefined;
  /** What stands beside the dump in hourly backups, where it is wished. */
  files: PostgresFiles | undefined;
  graph: GraphParts | undefined;
  history: OpenPart | undefined;
  /** Parts for people: roles, the stack's manifest. Restoring does not need them. */
  others: OpenPart[];
  /** What an old backup does not hold or prove, one sentence each. */
  lacks: string[];
}

/** Opens one of our backups. */
export function openBackup({ id, directory, manifest, sealed }: Backup, identity?: string): Restorable {
  const open = (which: (part: Part) => boolean) =>
    manifest.parts.filter(which).map((part) => openPart(directory, part, identity));
  const [lines] = open(({ format }) => format === "graph-lines-zstd");
  const [dump] = open(({ source, name }) => source === "postgres" && name === "mem0");
  const [rows] = open(({ format }) => format === "pg-copy-zstd");
  const [files] = open(({ format }) => format === "pg-files-zstd");
  const [log] = open(({ format }) => format === "pg-log-zstd");
  const dumps = open(({ format }) => format === "neo4j-dump");
  return {
    id,
    directory,
    manifest,
    sealed,
    postgres: dump === undefined || rows === undefined ? dump : { ...dump, rows },
    files: files === undefined || log === undefined ? undefined : { files, log },
    graph:
      lines !== undefined
        ? { kind: "lines", part: lines }
        : dumps.length > 0
          ? { kind: "dumps", parts: dumps }
          : undefined,
    history: open(({ source }) => source === "history")[0],
    others: open(({ source, name }) => source === "stack" || name === "globals"),
    lacks: [
      ...(manifest.result === "suspect" ? [`it is suspect: ${manifest.reasons.join("; ")}`] : []),
      ...takenOnTrust(sealed),
    ],
  };
}

/**
 * Opens a backup of the old guide's form: `postgres/*.sql.gz`, `neo4j/*.tar.gz`, checksums perhaps. Undefined when the
 * directory does not look like one.
 */
export function openOldBackup(directory: string): Restorable | undefined {
  const found = (folder: string, ending: string): string | undefined => {
    const inside = path.join(directory, folder);
    const files = lookBelow(directory, inside)?.isDirectory() ? readdirSync(inside) : [];
    const [file] = files.filter((name) => name.endsWith(ending) && !isFinderFile(name)).sort();
    return file === undefined ? undefined : `${folder}/${file}`;
  };
  const dump = found("postgres", ".sql.gz");
  const graph = found("neo4j", ".tar.gz");
  if (dump === undefined && graph === undefined) return undefined;
  return {
    id: path.basename(directory),
    directory,
    manifest: undefined,
    sealed: "unsealed",
    postgres: dump === undefined ? undefined : openPart(directory, oldDump(directory, dump)),
    files: undefined,
    graph: graph === undefined ? undefined : { kind: "files", ...openFile(directory, graph) },
    history: undefined,
    others: [],
    lacks: lacksOf(dump, graph, oldChecksums(directory).size > 0),
  };
}

function oldDump(directory: string, file: string): Part {
  const { bytes } = openFile(directory, file);
  return { source: "postgres", name: "mem0", file, format: "sql-gzip", bytes, seconds: 0 };
}

function openFile(directory: string, file: string): { file: string; bytes: number; open: () => Readable } {
  const there = path.join(directory, file);
  return { file, bytes: lookBelow(directory, there)?.size ?? 0, open: () => streamBelow(directory, there) };
}

function lacksOf(dump: string | undefined, graph: string | undefined, hasChecksums: boolean): string[] {
  return [
    ...(dump === undefined ? ["no dump of Postgres: the memories stay as they are"] : []),
    ...(graph === undefined
      ? ["no copy of Neo4j: the graph stays as it is"]
      : [
          "Neo4j's files were copied while it may have run: whether they fit together shows when they are checked",
        ]),
    "no history file: the history stays as it is",
    "no identity: that these memories are this stack's, and its embedder's, is taken on your word",
    "no counts: that nothing is missing cannot be shown",
    ...takenOnTrust("unsealed"),
    ...(hasChecksums ? [] : ["no checksums: damage shows only where a file cannot be unpacked"]),
  ];
}

/**
 * Finds the backup that a person named: an id in the stack's root, `latest` for the newest good one of the stack's own
 * making, or the directory of one, ours or of the old form.
 *
 * @param identity text of the age identity file, for encrypted backups
 * @param keys those whose backups count as the stack's own
 */
export function findRestorable(
  root: string,
  named: string,
  identity: string | undefined,
  keys: readonly SealKey[],
): Restorable {
  const mend = `${backupsVerb(root)} lists what there is`;
  const opened = (backup: Backup) => openBackup(backup, requireIdentity(backup, identity));
  if (named === "latest") return opened(latest(readCatalogue(root, keys)));
  if (!BACKUP_ID.test(named)) {
    // A person may name a link; below what it leads to no other is followed.
    const directory = realPath(path.resolve(named));
    const ours = backupAt(root, directory, keys);
    const found = ours === undefined ? openOldBackup(directory) : opened(ours);
    if (found !== undefined) return found;
    throw new Problem(`${named} is neither a backup's id nor the directory of a backup`, { mend });
  }
  const { good, foreign, suspects, damaged } = readCatalogue(root, keys);
  const whole = [...good, ...foreign, ...suspects].find(({ id }) => id === named);
  if (whole !== undefined) return opened(whole);
  const other = damaged.find(({ id }) => id === named);
  // What a person names by its directory may lie behind a link, what lies in the root not.
  if (other !== undefined) lookBelow(root, other.directory);
  const old = other?.kind === "no-manifest" ? openOldBackup(other.directory) : undefined;
  if (old !== undefined) return old;
  throw other === undefined
    ? new Problem(`there is no backup ${named}`, { where: root, mend })
    : new Problem(unusable(`backup ${named}`, other), { where: other.directory, mend });
}

function realPath(named: string): string {
  try {
    return realpathSync(named);
  } catch {
    // What is not there is told by whoever looks into it.
    return named;
  }
}

/** One of our backups wherever it lies, for example where copies go; undefined when there is no manifest. */
function backupAt(root: string, directory: string, keys: readonly SealKey[]): Backup | undefined {
  const text = readBelow(directory, path.join(directory, FILES.manifest));
  if (text === undefined) return undefined;
  const refuse = (why: Parameters<typeof unusable>[1]): Problem =>
    new Problem(unusable("the backup", why), {
      where: directory,
      mend: `${backupsVerb(root)} lists the others`,
    });
  let manifest: BackupManifest;
  try {
    manifest = parseBackupManifest(text);
  } catch (error) {
    throw refuse(whyUnreadable(error));
  }
  const { id, tier, result } = manifest;
  const found = readBackup({ id, tier, directory, suspect: result === "suspect" }, keys);
  if (isWhole(found)) return found;
  throw refuse(found);
}

/**
 * The newest good backup. Where a foreign one is newer than the stack's own, a person has to say which is meant; where there
 * are foreign ones alone, as on a new machine without the old key, the newest is meant, and asks to be trusted.
 */
function latest(catalogue: Catalogue): Backup {
  const { root } = catalogue;
  const own = newestGood(catalogue);
  const other = catalogue.foreign.at(-1);
  if (own === undefined || other === undefined || other.id <= own.id) {
    const newest = own ?? other;
    if (newest !== undefined) return newest;
    throw new Problem("there is no good backup", { where: root, mend: backupsVerb(root) });
  }
  throw new Problem(
    `\`latest\` may mean two: ${own.id} is the newest that this stack made, and ${other.id} is newer and ${SEAL_WORDS[other.sealed]}`,
    { where: other.directory, mend: `name the one that you mean; ${backupsVerb(root)} lists them` },
  );
}

function requireIdentity({ id, manifest }: Backup, identity: string | undefined): string | undefined {
  if (manifest.encryption !== null && identity === undefined) {
    throw new Problem(`backup ${id} is encrypted`, {
      mend: "--identity FILE, with the age identity of one of its recipients",
    });
  }
  return identity;
}
