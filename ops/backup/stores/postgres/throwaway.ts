import type Docker from "dockerode";
import { postgresAnswers } from "../../../../config/probes.ts";
import type { Throwaway } from "../../../docker/throwaway.ts";
import { type DeployedService, likeDeployed } from "../../../stack/deployed-service.ts";
import type { PostgresPlace } from "./databases.ts";

const START_SECONDS = 180;

/** A throw-away server, whose volume its files can be taken from. */
export interface ThrowawayPostgres extends PostgresPlace {
  throwaway: Throwaway;
  deployed: DeployedService;
  volume: string;
}

/** Memory of a throw-away server that builds an index, in MB. */
export interface ThrowawayMemory {
  sharedBuffers: number;
  /** For the index: once its graph no longer fits in there, building it slows down several times. */
  index: number;
}

/** Where a container has no limit. */
const UNLIMITED_MB = 1024;

/** What the server's processes take beside both, and what of its files must be in memory while they are written. */
const BESIDE_MB = 160;

/**
 * Nobody but one session works in there, so the index gets all that the container may use. With 1,024 MB the graph of
 * 100,000 memories of 1,536 dimensions, which takes 710, is built in memory.
 */
export function throwawayMemory(memoryBytes: number): ThrowawayMemory {
  const limit = memoryBytes === 0 ? UNLIMITED_MB : Math.floor(memoryBytes / 1024 ** 2);
  const sharedBuffers = Math.max(16, Math.min(128, Math.floor(limit / 16)));
  return { sharedBuffers, index: Math.max(64, limit - sharedBuffers - BESIDE_MB) };
}

/**
 * A new server is worth nothing until it is finished, stopped in order and its files are on the disk: until then it
 * neither waits for the disk nor keeps a log of what it does.
 */
const UNSAFE = [
  "fsync=off",
  "full_page_writes=off",
  "synchronous_commit=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "summarize_wal=off",
  "autovacuum=off",
];

/** A throw-away server's name when nothing else is said. */
export const THROWAWAY_POSTGRES = "postgres";

/** Where the image keeps its volume. */
export const POSTGRES_VOLUME = "/var/lib/postgresql/data";

/**
 * Starts a Postgres of the deployed one's image and size, without a network and without any secret of the stack.
 *
 * @param on its name, its volume (a new one when left out) and the database that is there, or is made when it is new
 */
export async function startThrowawayPostgres(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  { user, collection }: Pick<PostgresPlace, "user" | "collection">,
  {
    name = THROWAWAY_POSTGRES,
    volume,
    database = "empty",
  }: { name?: string; volume?: string; database?: string } = {},
): Promise<ThrowawayPostgres> {
  const makePassword = `umask 077; head -c 24 /dev/urandom | base64 >/tmp/password; exec docker-entrypoint.sh "$@"`;
  const memory = `shared_buffers=${throwawayMemory(deployed.memoryBytes).sharedBuffers}MB`;
  // Of two values of one setting the later one counts.
  const settings = [memory, ...(volume === undefined ? UNSAFE : [])].flatMap((setting) => ["-c", setting]);
  const own = volume ?? (await throwaway.volume(name));
  const container = await throwaway.start(name, {
    ...likeDeployed(deployed),
    entrypoint: ["bash"],
    command: ["-c", makePassword, "postgres", ...deployed.command, ...settings],
    env: { POSTGRES_DB: database, POSTGRES_USER: user, POSTGRES_PASSWORD_FILE: "/tmp/password" },
    stores: { [POSTGRES_VOLUME]: own },
    tmpfs: { "/tmp": 64, "/var/run/postgresql": 16 },
  });
  const ready = postgresAnswers({ user, name: database });
  await throwaway.untilReady(container, ready, { what: "Postgres", seconds: START_SECONDS });
  return { docker, container, stack: throwaway.stack, user, collection, throwaway, deployed, volume: own };
}
