import type Docker from "dockerode";
import type { Throwaway } from "../../throwaway.ts";
import { type DeployedService, onStore } from "./deployed.ts";
import { dropDatabase, type PostgresPlace, swapDatabases } from "./postgres.ts";

/** The stores that are restored, in the order in which they are swapped. */
export const RESTORED = ["postgres", "neo4j", "history"] as const;

export type RestoredStore = (typeof RESTORED)[number];

/** What is live, and what lies beside it; the names tell by themselves how far a swap has come. */
export interface SwapPlaces {
  docker: Docker;
  throwaway: Throwaway;
  postgres: PostgresPlace;
  /** Name of the live database. */
  database: string;
  neo4j: DeployedService;
  server: DeployedService;
}

/** Names beside the live ones, of the restore with this id. */
export function namesBeside(live: string, id: string): { restored: string; before: string } {
  return { restored: `${live}_restore_${id}`, before: `${live}_before_${id}` };
}

/** The graph's directory in its store, and the history's file in its. */
export const LIVE_FILES = { neo4j: "neo4j", history: "history.db" } as const;

/**
 * Renames $1, and the journal that SQLite leaves beside it when it was killed, out of the way to $3, and $2 to $1.
 * Nothing when there is no $2; completes what was killed between the two. Postgres' and Neo4j's entrypoints hold the
 * same lock while their servers run.
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
  id: string,
): Promise<void> {
  const live = store === "postgres" ? places.database : LIVE_FILES[store];
  const { restored, before } = namesBeside(live, id);
  const [from, aside] = direction === "forward" ? [restored, before] : [before, restored];
  if (store === "postgres") return swapDatabases(places.postgres, { live, from, aside });
  const service = store === "neo4j" ? places.neo4j : places.server;
  await onStore(places.throwaway, service, SWAP, [live, from, aside]);
}

/** Removes what lies beside the live store under the given names. */
export async function removeBeside(
  store: RestoredStore,
  which: readonly ("restored" | "before")[],
  places: SwapPlaces,
  id: string,
): Promise<void> {
  const live = store === "postgres" ? places.database : LIVE_FILES[store];
  const names = which.map((one) => namesBeside(live, id)[one]);
  if (store === "postgres") {
    for (const name of names) await dropDatabase(places.postgres, name);
    return;
  }
  const service = store === "neo4j" ? places.neo4j : places.server;
  const files = names.flatMap((name) => [name, `${name}-journal`]);
  await onStore(places.throwaway, service, 'rm -rf -- "$@"; sync .', files);
}
