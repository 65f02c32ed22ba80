import { Problem } from "../../../base/problem.ts";
import { execInContainer, streamFromExec } from "../../../docker/command.ts";
import { psql } from "../../../docker/psql.ts";
import { createDatabase, inPublic, type PostgresPlace } from "./databases.ts";
import { goOnCounting } from "./load.ts";
import { makeIndexes, makeTables, type Restored } from "./restore.ts";
import { ownColumns } from "./schema.ts";
import type { ThrowawayPostgres } from "./throwaway.ts";

/**
 * Copies a stack's tables from a throw-away server into a new database of the live one, row by row and as the stack's own
 * role: where the live server holds more than the stack, its files cannot be put in the place of others.
 *
 * @param from database of the throw-away server
 * @param name of the new database
 */
export async function copyOver(
  source: ThrowawayPostgres,
  from: string,
  { collections, sequences }: Restored,
  live: PostgresPlace,
  name: string,
): Promise<void> {
  await createDatabase(live, name);
  await makeTables(live, name, collections);
  for (const table of [...ownColumns().keys(), ...collections.keys()]) {
    const { docker, container, user } = source;
    const read = [...psql(from, user), "-c", `COPY ${inPublic(table)} TO STDOUT (FORMAT binary)`];
    const { stream, done } = await streamFromExec(docker, container, read);
    const write = [...psql(name, live.user), "-c", `COPY ${inPublic(table)} FROM STDIN (FORMAT binary)`];
    const ended = await execInContainer(live.docker, live.container, write, { input: () => stream });
    if (ended.exitCode !== 0)
      throw new Problem(`Postgres does not take the rows of ${table}: ${ended.stderr.trim()}`, {
        where: live.container,
      });
    await done;
  }
  await goOnCounting(live, name, sequences);
  await makeIndexes(live, name);
}
