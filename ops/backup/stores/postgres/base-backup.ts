import { createZstdCompress } from "node:zlib";
import { streamFromExec } from "../../../docker/command.ts";
import { type PostgresContainer, PsqlSession } from "../../../docker/psql.ts";
import type { PartSink } from "../../format/part.ts";
import { QUICKEST } from "../../format/streams.ts";

/**
 * A copy of all of Postgres' files, the similarity index among them. It is made while others write, and shows
 * the data of its end, not of its beginning: so it comes before the cut, and the log up to the cut after it.
 */
export interface BaseBackup {
  /** Names the moment up to which the log is to be replayed; nobody may write meanwhile. */
  markCut(): Promise<void>;
  /** Writes the log from the copy's beginning up to the cut. */
  writeLog(): Promise<void>;
  /** Lets Postgres remove its log again. */
  close(): Promise<void>;
}

/** The name of the cut in the log, and of the slot that keeps the log until it is copied. */
export function restorePointOf(id: string): string {
  return `mem0_${id}`;
}

/**
 * Copies the files of a running Postgres of the image into a part, and keeps its log from then on.
 *
 * @param id of the backup, which gives the cut its name
 * @param more further options of pg_basebackup
 */
export async function takeBaseBackup(
  { docker, container }: PostgresContainer,
  id: string,
  sink: PartSink,
  more: readonly string[] = [],
): Promise<BaseBackup> {
  const name = restorePointOf(id);
  const program = (...command: string[]) => streamFromExec(docker, container, command);
  const session = await PsqlSession.open({ docker, container }, "postgres");
  try {
    // Temporary: the log that it keeps is let go when the session ends, however that comes about.
    const [first] = await session.ask(
      `SELECT pg_walfile_name(lsn) FROM pg_create_physical_replication_slot('${name}', true, true)`,
    );
    await sink.write({
      source: "postgres",
      name: "files",
      fileName: `files_${id}.tar.zst`,
      format: "pg-files-zstd",
      produce: () =>
        program(
          ...["pg_basebackup", "-U", "postgres", "--pgdata=-", "--format=tar", "--wal-method=none"],
          ...["--checkpoint=fast", "--compress=client-zstd:1", "--no-sync", ...more],
        ),
    });
    let last: string | undefined;
    return {
      markCut: async () => {
        [last] = await session.ask(`SELECT pg_walfile_name(pg_create_restore_point('${name}'))`);
      },
      writeLog: async () => {
        const end = last;
        if (first === undefined || end === undefined) throw new Error("the log has no beginning or no end");
        await session.ask("SELECT pg_switch_wal()");
        await sink.write({
          source: "postgres",
          name: "log",
          fileName: `log_${id}.tar.zst`,
          format: "pg-log-zstd",
          produce: async () => ({
            ...(await program(...segments(first, end))),
            through: [createZstdCompress(QUICKEST)],
          }),
        });
      },
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Prints the segments of the log from one to another, as tar. Their names are too large for awk's numbers. */
function segments(first: string, last: string): string[] {
  const between = `/^[0-9A-F]{24}$/ && $0 "" >= first && $0 "" <= last`;
  const script = `cd "$PGDATA/pg_wal"; ls | awk -v "first=$1" -v "last=$2" '${between}' | tar --create --files-from=-`;
  return ["bash", "-euo", "pipefail", "-c", script, "segments", first, last];
}
