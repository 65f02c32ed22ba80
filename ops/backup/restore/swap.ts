import type Docker from "dockerode";
import type { Throwaway } from "../../docker/throwaway.ts";
import { type DeployedService, onStore } from "../../stack/deployed-service.ts";
import { dropDatabase, type PostgresPlace, swapDatabases } from "../stores/postgres/databases.ts";

/** The stores that are restored, in the order in which they are swapped. */
export const RESTORED = ["postgres", "neo4j", "history"] as const;

export type RestoredStore = (typeof RESTORED)[number];

/** The forms in which Postgres is restored beside the live one: a database, or the files of a whole server. */
export const POSTGRES_FORMS = ["database", "files"] as const;

/** What of a restore the names depend on that it gives to what lies beside the live data. */
export interface RestoreRun {
  /** When it was begun. */
  id: string;
  postgresAs: (typeof POSTGRES_FORMS)[number];
}

/** What is live, and what lies beside it; the names tell by themselves how far a swap has come. */
export interface SwapPlaces {
  docker: Docker;
  throwaway: Throwaway;
  postgres: PostgresPlace;
  /** Name of the live database. */
  database: string;
  /** The container of `postgres`. */
  postgresService: DeployedService;
  neo4j: DeployedService;
  server: DeployedService;
}

/** Names beside the live ones, of the restore with this id. */
export function namesBeside(live: string, id: string): { restored: string; before: string } {
  return { restored: `${live}_restore_${id}`, before: `${live}_before_${id}` };
}

/** Where each store keeps its data: the directories of Postgres and Neo4j, and the history's file. */
export const LIVE_FILES = { postgres: "pgdata", neo4j: "neo4j", history: "history.db" } as const;

/**
 * Renames $1 to $3, and then $2 to $1; so too the journals that SQLite leaves beside a file when it is killed. Does
 * nothing when there is no $2, and completes a run that was killed between the two. The entrypoints of Postgres and
 * Neo4j hold the same lock while their servers run.
 */
const SWAP = `
exec 9>.lock
flock --nonblock 9 || { echo "something still runs on it" >&2; exit 1; }
live=$1 from=$2 aside=$3
[ -e "$from" ] || exit 0
if [ -e "$live" ]; then
  [ ! -e "$aside" ] || { echo "both $live and $aside are there" >&2; exit 1; }
  [ ! -e "$live-journal" ] || mv "$live-journal" "$aside-journal"
  mv "$live" "$aside"
fi
[ ! -e "$from-journal" ] || mv "$from-journal" "$live-journal"
mv "$from" "$live"
sync .`;

/**
 * Puts what was restored into the place of what is live, or what was live before back again. Nothing may run on the
 * files. Harmless when repeated.
 */
export async function swapStore(
  store: RestoredStore,
  direction: "forward" | "back",
  places: SwapPlaces,
  run: RestoreRun,
): Promise<void> {
  const service = serviceOnFiles(store, places, run);
  const live = service === undefined ? places.database : LIVE_FILES[store];
  const { restored, before } = namesBeside(live, run.id);
  const [from, aside] = direction === "forward" ? [restored, before] : [before, restored];
  if (service === undefined) return swapDatabases(places.postgres, { live, from, aside });
  await onStore(places.throwaway, service, SWAP, [live, from, aside]);
}

/** Removes what lies beside the live store under the given names. */
export async function removeBeside(
  store: RestoredStore,
  which: readonly ("restored" | "before")[],
  places: SwapPlaces,
  run: RestoreRun,
): Promise<void> {
  const service = serviceOnFiles(store, places, run);
  const live = service === undefined ? places.database : LIVE_FILES[store];
  const names = which.map((one) => namesBeside(live, run.id)[one]);
  if (service === undefined) {
    for (const name of names) await dropDatabase(places.postgres, name);
    return;
  }
  const files = names.flatMap((name) => [name, `${name}-journal`]);
  await onStore(places.throwaway, service, 'rm -rf -- "$@"; sync .', files);
}

/** Whose files are swapped for a store; undefined when it is a database of a server that goes on. */
export function serviceOnFiles(
  store: RestoredStore,
  { postgresService, neo4j, server }: SwapPlaces,
  { postgresAs }: RestoreRun,
): DeployedService | undefined {
  switch (store) {
    case "postgres":
      return postgresAs === "files" ? postgresService : undefined;
    case "neo4j":
      return neo4j;
    case "history":
      return server;
  }
}
