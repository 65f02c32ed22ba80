import { mkdirSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import type { OpenPart } from "../../ops/backup/format/part.ts";
import { openPart, PartFiles } from "../../ops/backup/format/part-files.ts";
import { decompressed } from "../../ops/backup/format/streams.ts";
import { takeBaseBackup } from "../../ops/backup/stores/postgres/base-backup.ts";
import type { PostgresPlace } from "../../ops/backup/stores/postgres/databases.ts";
import {
  onFiles,
  type ServerNames,
  startOnFiles,
  startReplayed,
} from "../../ops/backup/stores/postgres/restore-files.ts";
import type { PostgresFiles } from "../../ops/backup/stores/store.ts";
import { Problem } from "../../ops/base/problem.ts";
import { execInContainer } from "../../ops/docker/command.ts";
import { PsqlSession } from "../../ops/docker/psql.ts";
import type { Throwaway } from "../../ops/docker/throwaway.ts";
import type { DeployedService } from "../../ops/stack/deployed-service.ts";

/**
 * Copies of a Postgres server's files, whole as an hourly backup has them, or only what changed since another copy
 * (PostgreSQL 17's incremental backups), and servers started on them.
 */

/** What a server needs to tell which blocks changed. */
export const SETTINGS = ["summarize_wal=on"];

/** Where the server finds what a copy holds, when the next is to be of the changes since. */
const MANIFEST = "/tmp/backup_manifest";

export interface PhysicalCopy extends PostgresFiles {
  id: string;
  paths: string[];
  /** Rows at its moment. */
  rows: number;
}

/** Gives a copy's own list of its files to the server; a backup would keep it as a part of its own. */
export async function giveManifest(
  { docker, container }: PostgresPlace,
  { files }: PhysicalCopy,
): Promise<void> {
  const take = ["bash", "-c", `tar --extract --to-stdout backup_manifest >${MANIFEST}`];
  const ended = await execInContainer(docker, container, take, { input: () => decompressed(files) });
  if (ended.exitCode !== 0) throw new Problem(`the copy has no manifest: ${ended.stderr.trim()}`);
}

/**
 * Copies a running server into a directory of its own under `directory`.
 *
 * @param of all files, or what changed since the copy whose manifest the server was given
 */
export async function takeCopy(
  place: PostgresPlace,
  database: string,
  directory: string,
  { id, of }: { id: string; of: "all" | "changes" },
): Promise<PhysicalCopy> {
  const own = path.join(directory, id);
  mkdirSync(own);
  const written = new PartFiles(own, []);
  const more = of === "all" ? [] : [`--incremental=${MANIFEST}`];
  const copy = await takeBaseBackup(place, id, written, more);
  try {
    const rows = await withoutWriters(place, database, () => copy.markCut());
    await copy.writeLog();
    const [files, log] = written.parts.map((part) => openPart(own, part));
    if (files === undefined || log === undefined) throw new Error("a copy has two parts");
    return { id, files, log, paths: written.parts.map(({ file }) => path.join(own, file)), rows };
  } finally {
    await copy.close();
  }
}

/** Lays a copy out in a new volume and starts a server on it, which replays the log up to the copy's moment. */
export async function startOnCopy(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  names: ServerNames,
  { copy, full }: { copy: PhysicalCopy; full?: PhysicalCopy },
): Promise<PostgresPlace> {
  if (full === undefined) return startOnFiles(docker, throwaway, deployed, names, copy, copy.id);
  const volume = await throwaway.volume("combined");
  const unpack = (directory: string, part: OpenPart) =>
    onFiles(throwaway, deployed, volume, `mkdir ${directory}; tar -x -C ${directory}`, part);
  await unpack("full", full.files);
  const combine = "pg_combinebackup full changed --output=pgdata; rm -r full changed";
  await onFiles(throwaway, deployed, volume, `mkdir changed; tar -x -C changed; ${combine}`, copy.files);
  return startReplayed(docker, throwaway, deployed, names, { volume, log: copy.log, id: copy.id });
}

/** As the memory server's pause does: nobody writes while the moment gets its name. Returns the rows of that moment. */
async function withoutWriters(
  { docker, container, collection }: PostgresPlace,
  database: string,
  work: () => Promise<void>,
): Promise<number> {
  const session = await PsqlSession.open({ docker, container }, database);
  try {
    await session.ask("BEGIN");
    await session.ask(`LOCK TABLE ${collection} IN EXCLUSIVE MODE`);
    const [rows] = await session.ask(`SELECT count(*) FROM ${collection}`);
    await work();
    await session.ask("COMMIT");
    return Number(rows);
  } finally {
    await session.close();
  }
}
