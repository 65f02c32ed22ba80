import type Docker from "dockerode";
import { Problem } from "../../../base/problem.ts";
import { architectureOf } from "../../../docker/client.ts";
import { sql } from "../../../docker/psql.ts";
import type { Throwaway } from "../../../docker/throwaway.ts";
import { type DeployedService, likeDeployed, onStore } from "../../../stack/deployed-service.ts";
import type { DeployedStack } from "../../../stack/deployed-stack.ts";
import type { BackupManifest } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import type { SealState } from "../../format/seal.ts";
import { decompressed, lastLine } from "../../format/streams.ts";
import type { PostgresFiles } from "../store.ts";
import { restorePointOf } from "./base-backup.ts";
import { databases, dropDatabase, type PostgresPlace } from "./databases.ts";
import { POSTGRES_VOLUME, startThrowawayPostgres, type ThrowawayPostgres } from "./throwaway.ts";

/** A data directory is made by a superuser, and what it holds runs: only the stack's own are ever started. */
export const NOT_SEALED = "this stack did not seal it, and a server's files are more than data";

/** Databases that every server has. */
const SERVERS_OWN = ["postgres", "template0", "template1"];

const GRACE_SECONDS = 120;

/** Whose files they are: names inside the server. */
export type ServerNames = Pick<PostgresPlace, "user" | "collection"> & { database: string };

/** Lays the files out in a new volume, replays the log up to the backup's moment, and starts a server on them. */
export async function startOnFiles(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  names: ServerNames,
  { files, log }: PostgresFiles,
  id: string,
): Promise<ThrowawayPostgres> {
  const volume = await throwaway.volume("files");
  await onFiles(throwaway, deployed, volume, "mkdir pgdata; tar -x -C pgdata", files);
  return startReplayed(docker, throwaway, deployed, names, { volume, log, id });
}

/** Replays the log over files that were laid out in `pgdata` of a volume, and starts a server on them. */
export async function startReplayed(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  names: ServerNames,
  { volume, log, id }: { volume: string; log: OpenPart; id: string },
): Promise<ThrowawayPostgres> {
  const script = `tar -x -C pgdata/pg_wal; ${replayUntil(restorePointOf(id))}`;
  await onFiles(throwaway, deployed, volume, script, log);
  const on = { name: `files_${id}`, volume, database: names.database };
  return startThrowawayPostgres(docker, throwaway, deployed, names, on);
}

/** Runs a bash script in a volume, with an unpacked part as its standard input. */
export async function onFiles(
  throwaway: Throwaway,
  deployed: DeployedService,
  volume: string,
  script: string,
  input: OpenPart,
): Promise<string> {
  const ended = await throwaway.run({
    ...likeDeployed(deployed),
    entrypoint: ["bash"],
    command: ["-euo", "pipefail", "-c", `umask 077; cd ${POSTGRES_VOLUME}; ${script}`],
    stores: { [POSTGRES_VOLUME]: volume },
    input: () => decompressed(input),
  });
  if (ended.exitCode === 0) return ended.stdout;
  throw new Problem(`Postgres does not take its files: ${lastLine(ended.stderr)}`, {
    where: input.part.file,
    mend: "the same command with --from dump",
  });
}

/** Removes databases that are not the stack's own: what an earlier restore had kept aside was copied with the rest. */
export async function dropOthers(place: PostgresPlace, database: string): Promise<void> {
  for (const name of others(await databases(place), database)) await dropDatabase(place, name);
}

function others(names: readonly string[], database: string): string[] {
  return names.filter((name) => name !== database && !SERVERS_OWN.includes(name));
}

/**
 * Stops a throw-away server in order, and copies its files to `name` in the store of the deployed one.
 *
 * @param reserveBytes what has to stay free on the disk of the live data beside them
 * @throws Problem when there is no room for them
 */
export async function layBeside(
  { throwaway, container, volume }: ThrowawayPostgres,
  deployed: DeployedService,
  name: string,
  reserveBytes: number,
): Promise<void> {
  await throwaway.stop(container, GRACE_SECONDS);
  const reserve = Math.ceil(reserveBytes / 1024 ** 2);
  const copy = `
    need=$(du --summarize --block-size=1M /copy/pgdata | cut -f 1)
    free=$(df --block-size=1M --output=avail . | tail -n 1)
    [ $((free - need)) -ge ${reserve} ] || {
      echo "too little room: $free MiB are free, $need are wanted and ${reserve} have to stay free" >&2; exit 1; }
    rm -rf "$1"; cp -a /copy/pgdata "$1"; sync --file-system .`;
  await onStore(throwaway, deployed, copy, [name], { readOnlyStores: { "/copy": volume } });
}

/**
 * Why the files of a throw-away server cannot take the place of a live one's, which holds more than the stack's data;
 * undefined when they can.
 */
export async function whyNotWhole(
  { docker, readerRole: role, manifest: { database } }: DeployedStack,
  { container, env }: DeployedService,
): Promise<string | undefined> {
  const live = { docker, container, role };
  const shared = whyNotAlone(await databases(live), database.name);
  if (shared !== undefined) return shared;
  const roles = (await sql(live, "postgres", "SELECT rolname FROM pg_roles ORDER BY 1")).split("\n");
  const known = ["postgres", database.user, env.POSTGRES_METRICS_USER];
  const more = roles.filter((role) => !known.includes(role) && !role.startsWith("pg_"));
  return more.length === 0 ? undefined : `the server has other roles too: ${more.join(", ")}`;
}

/**
 * Why a stack cannot take a backup's files as they are, though it may take its dump; undefined when it can.
 *
 * @param live databases of the running server
 */
export async function whyNotFiles(
  { docker, manifest: { instanceId, database } }: DeployedStack,
  { env, container }: Pick<DeployedService, "env" | "container">,
  sealed: SealState,
  backup: Pick<BackupManifest, "architecture" | "versions" | "identity">,
  live: readonly string[],
): Promise<string | undefined> {
  if (sealed !== "this-stack") return NOT_SEALED;
  const [version] = backup.versions.postgres.split(".");
  if (version !== env.PG_MAJOR) return `they are of PostgreSQL ${version}, this is ${env.PG_MAJOR}`;
  const architecture = await architectureOf(docker, container);
  if (backup.architecture !== architecture)
    return `they are for ${backup.architecture}, this is ${architecture}`;
  if (backup.identity.instanceId !== instanceId) return "they are another instance's, with its roles";
  return whyNotAlone(live, database.name);
}

/** What else a server holds, whose files are therefore not the stack's alone; undefined when nothing. */
function whyNotAlone(live: readonly string[], database: string): string | undefined {
  const strange = others(live, database);
  return strange.length === 0 ? undefined : `the server holds other databases too: ${strange.join(", ")}`;
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
    pg_ctl -D pgdata -s -m fast stop
    sync .`;
}
