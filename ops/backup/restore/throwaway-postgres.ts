import type Docker from "dockerode";
import type { Throwaway } from "../../throwaway.ts";
import { type DeployedService, likeDeployed } from "./deployed.ts";
import type { PostgresPlace } from "./postgres.ts";

const START_SECONDS = 180;

/** Where the image keeps its volume. */
export const POSTGRES_VOLUME = "/var/lib/postgresql/data";

/**
 * Starts a Postgres like the deployed one; nobody can log in to it over a network.
 *
 * @param on its name, its volume (a new one when left out) and bash statements that come before its start
 */
export async function startThrowawayPostgres(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  { user, collection }: Pick<PostgresPlace, "user" | "collection">,
  on: { name?: string; volume?: string; before?: string } = {},
): Promise<PostgresPlace> {
  const { name = "postgres", before = ":" } = on;
  const makePassword = `umask 077; head -c 24 /dev/urandom | base64 >/tmp/password; ${before}; exec docker-entrypoint.sh "$@"`;
  const container = await throwaway.start(name, {
    ...likeDeployed(deployed),
    entrypoint: ["bash"],
    command: ["-c", makePassword, "postgres", ...deployed.command],
    env: { POSTGRES_DB: "empty", POSTGRES_USER: user, POSTGRES_PASSWORD_FILE: "/tmp/password" },
    stores: { [POSTGRES_VOLUME]: on.volume ?? (await throwaway.volume(name)) },
    tmpfs: { "/tmp": 64, "/var/run/postgresql": 16 },
  });
  const ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", user, "-d", "empty"];
  await throwaway.untilReady(container, ready, { what: "Postgres", seconds: START_SECONDS });
  return { docker, container, user, collection };
}
