import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { execa } from "execa";
import { type DeployedService, likeDeployed } from "../../ops/backup/restore/deployed.ts";
import { type PostgresPlace, sql } from "../../ops/backup/restore/postgres.ts";
import { POSTGRES_VOLUME, startThrowawayPostgres } from "../../ops/backup/restore/throwaway-postgres.ts";
import { through } from "../../ops/backup/streams.ts";
import { execWithInput } from "../../ops/docker-input.ts";
import { Problem } from "../../ops/problem.ts";
import type { Throwaway } from "../../ops/throwaway.ts";

/**
 * Copies of a Postgres server's files, as pg_basebackup makes them, whole or only what changed, and servers started on
 * them. Such a copy shows its end, not its beginning; so the moment of a backup, at which nobody writes, comes after it:
 * a named restore point, up to which the log is replayed.
 */

/** The image lets nobody copy the server: a line more, for the superuser on the container's own socket. */
const ALLOW_COPIES =
  "{ echo 'local replication postgres trust'; cat /etc/mem0-postgres/pg_hba.conf; } >/tmp/pg_hba.conf";

/** What a server needs for it: the list of changed blocks, and the log since the copy was begun. */
const SETTINGS = ["hba_file=/tmp/pg_hba.conf", "summarize_wal=on", "wal_keep_size=2GB"];

/** Where the server finds what a copy holds, when the next is to be of the changes since. */
const MANIFEST = "/tmp/backup_manifest";

export interface PhysicalCopy {
  /** tar, compressed with zstd. */
  files: string;
  /** The log from the copy's beginning to the moment of the backup: tar, compressed with gzip. */
  log: string;
  restorePoint: string;
  /** Rows at that moment. */
  rows: number;
}

/** Starts a server that can be copied. */
export function startCopyable(
  docker: PostgresPlace["docker"],
  throwaway: Throwaway,
  deployed: DeployedService,
  names: Pick<PostgresPlace, "user" | "collection">,
  on: { name: string; volume?: string },
): Promise<PostgresPlace> {
  const command = [...deployed.command, ...SETTINGS.flatMap((setting) => ["-c", setting])];
  return startThrowawayPostgres(docker, throwaway, { ...deployed, command }, names, {
    ...on,
    before: ALLOW_COPIES,
  });
}

/** Gives a copy's own list of its files to the server; a backup would keep it as a part of its own. */
export async function giveManifest({ docker, container }: PostgresPlace, copy: PhysicalCopy): Promise<void> {
  const take = ["bash", "-c", `tar --extract --to-stdout backup_manifest >${MANIFEST}`];
  const ended = await execWithInput(docker, container, take, () => unpacked(copy));
  if (ended.exitCode !== 0) throw new Problem(`the copy has no manifest: ${ended.stderr.trim()}`);
}

/**
 * Copies a running server into two files of `directory`.
 *
 * @param of all files, or what changed since the copy whose manifest the server was given
 */
export async function takeCopy(
  place: PostgresPlace,
  database: string,
  directory: string,
  name: string,
  of: "all" | "changes",
): Promise<PhysicalCopy> {
  const { container } = place;
  const copy = {
    files: path.join(directory, `${name}.tar.zst`),
    log: path.join(directory, `${name}.log.tar.gz`),
  };
  const first = await sql(place, "postgres", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
  const basebackup = [
    ...["pg_basebackup", "-U", "postgres", "--pgdata=-", "--format=tar", "--wal-method=none"],
    ...["--checkpoint=fast", "--compress=client-zstd:1", "--no-sync"],
    ...(of === "all" ? [] : [`--incremental=${MANIFEST}`]),
  ];
  await printTo(copy.files, container, basebackup);
  const moment = await sql(
    place,
    database,
    "BEGIN",
    `LOCK TABLE ${place.collection} IN EXCLUSIVE MODE`,
    `SELECT count(*) FROM ${place.collection}`,
    `SELECT pg_walfile_name(pg_create_restore_point('${name}'))`,
    "COMMIT",
    "SELECT pg_switch_wal()",
  );
  const [rows, last] = moment.split("\n");
  // Names of segments are numbers too large for awk: compared as text.
  const between = `/^[0-9A-F]{24}$/ && $0 "" >= "${first}" && $0 "" <= "${last}"`;
  const segments = `cd $PGDATA/pg_wal; ls | awk '${between}' | tar --create --files-from=- | gzip -1`;
  await printTo(copy.log, container, ["bash", "-euo", "pipefail", "-c", segments]);
  return { ...copy, restorePoint: name, rows: Number(rows) };
}

/** Lays a copy out in a new volume and starts a server on it, which replays the log up to the moment of the backup. */
export async function startOnCopy(
  docker: PostgresPlace["docker"],
  throwaway: Throwaway,
  deployed: DeployedService,
  names: Pick<PostgresPlace, "user" | "collection">,
  { name, copy, full }: { name: string; copy: PhysicalCopy; full?: PhysicalCopy },
): Promise<PostgresPlace> {
  const volume = await throwaway.volume(name);
  const onVolume = async (script: string, input: () => Readable = () => Readable.from([])) => {
    const ended = await throwaway.run({
      ...likeDeployed(deployed),
      entrypoint: ["bash"],
      command: ["-euo", "pipefail", "-c", `umask 077; cd ${POSTGRES_VOLUME}; ${script}`],
      stores: { [POSTGRES_VOLUME]: volume },
      input,
    });
    if (ended.exitCode !== 0) throw new Problem(`the copy cannot be laid out: ${ended.stderr.trim()}`);
  };
  const unpack = (one: PhysicalCopy, directory: string) =>
    onVolume(`mkdir ${directory}; tar -x -C ${directory}`, () => unpacked(one));
  if (full === undefined) {
    await unpack(copy, "pgdata");
  } else {
    await unpack(full, "full");
    await unpack(copy, "changed");
    await onVolume("pg_combinebackup full changed --output=pgdata; rm -r full changed");
  }
  await onVolume(`tar -x -z -C pgdata/pg_wal; ${replayUntil(copy.restorePoint)}; sync .`, () =>
    createReadStream(copy.log),
  );
  return startCopyable(docker, throwaway, deployed, names, { name, volume });
}

/**
 * Bash that replays the log up to a restore point, and ends when the server is one that may be written to. The image's
 * own start cannot wait for that: its first statements would be refused.
 */
function replayUntil(restorePoint: string): string {
  const settings = [
    "config_file=/etc/mem0-postgres/postgresql.conf",
    "listen_addresses=",
    "unix_socket_directories=/tmp",
    "hot_standby=off",
    "restore_command=false",
    `recovery_target_name=${restorePoint}`,
    "recovery_target_action=promote",
  ].map((setting) => `-c ${setting}`);
  const asked = "psql -h /tmp -U postgres -d postgres -c 'SELECT 1' >/dev/null 2>&1";
  return `touch pgdata/recovery.signal
    pg_ctl -D pgdata -s -w -t 3600 -l /tmp/log -o "${settings.join(" ")}" start || { cat /tmp/log >&2; exit 1; }
    until ${asked}; do pg_ctl -D pgdata status >/dev/null || { cat /tmp/log >&2; exit 1; }; sleep 0.1; done
    pg_ctl -D pgdata -s -m fast stop`;
}

function unpacked({ files }: PhysicalCopy): Readable {
  return through(createReadStream(files), createZstdDecompress());
}

async function printTo(file: string, container: string, command: string[]): Promise<void> {
  await execa("docker", ["exec", container, ...command], { stdout: { file }, buffer: { stdout: false } });
}
