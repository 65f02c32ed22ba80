import type { Readable } from "node:stream";
import { Problem } from "../../../base/problem.ts";
import { likeDeployed } from "../../../stack/deployed-service.ts";
import type { Part } from "../../format/backup-manifest.ts";
import { bounded } from "../../format/bounds.ts";
import type { OpenPart, Produced } from "../../format/part.ts";
import { gunzipped, through } from "../../format/streams.ts";
import { lookAtBackup } from "../store.ts";
import type { ThrowawayPostgres } from "./throwaway.ts";

/** Opens the SQL of a dump, once more each time. */
export type TextOfDump = () => Promise<Pick<Produced, "stream" | "done">>;

/** The text of a dump in SQL. */
export function plainSql(dump: OpenPart): Readable {
  return dump.part.format === "sql-gzip" ? gunzipped(dump.part, dump.open) : dump.open();
}

/**
 * The SQL of a dump in any form. One in pg_dump's own format is turned into it by a pg_restore in a container of its own:
 * it may have been made by anybody, and nothing else is where it is read.
 */
export function sqlText({ throwaway, deployed }: ThrowawayPostgres, dump: OpenPart): TextOfDump {
  switch (dump.part.format) {
    case "pg-custom": {
      const program = { ...likeDeployed(deployed), entrypoint: ["pg_restore"], command: ["--file=-"] };
      return async () => {
        const { stream, done } = await throwaway.filter(program, dump.open, "pg_restore");
        return { stream: through(stream, bounded(dump.part)), done };
      };
    }
    case "sql":
    case "sql-gzip":
      return async () => ({ stream: plainSql(dump), done: Promise.resolve() });
    default:
      throw new Error(`${dump.part.file}: a dump of Postgres cannot have the format ${dump.part.format}`);
  }
}

/** A dump, and how its SQL is had. */
export interface ReadableDump {
  part: Part;
  text: TextOfDump;
  /** Whose it is to become, for people. */
  stack: string;
}

/**
 * Gives the text of a dump to `read`, and waits until it has ended.
 *
 * @throws Problem when it cannot be read to its end; what `read` throws as a Problem
 */
export async function readText<T>(
  { part, text, stack }: ReadableDump,
  read: (source: Readable) => Promise<T>,
): Promise<T> {
  const { stream, done } = await text();
  try {
    const value = await read(stream);
    await done;
    return value;
  } catch (cause) {
    stream.destroy();
    if (cause instanceof Problem) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Problem(`the dump of Postgres cannot be read to its end: ${why}`, {
      where: part.file,
      mend: lookAtBackup(stack),
      cause,
    });
  }
}
