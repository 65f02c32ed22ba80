import type Docker from "dockerode";
import { postgresAnswers } from "../../../../config/probes.ts";
import type { Throwaway } from "../../../docker/throwaway.ts";
import { type DeployedService, likeDeployed } from "../../../stack/deployed-service.ts";
import type { PostgresPlace } from "./databases.ts";

const START_SECONDS = 180;

/** Where the image keeps its volume. */
export const POSTGRES_VOLUME = "/var/lib/postgresql/data";

/**
 * Starts a Postgres like the deployed one; nobody can log in to it over a network.
 *
 * @param on its name, its volume (a new one when left out) and the database that is there, or is made when it is new
 */
export async function startThrowawayPostgres(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  { user, collection }: Pick<PostgresPlace, "user" | "collection">,
  {
    name = "postgres",
    volume,
    database = "empty",
  }: { name?: string; volume?: string; database?: string } = {},
): Promise<PostgresPlace> {
  const makePassword = `umask 077; head -c 24 /dev/urandom | base64 >/tmp/password; exec docker-entrypoint.sh "$@"`;
  const container = await throwaway.start(name, {
    ...likeDeployed(deployed),
    entrypoint: ["bash"],
    command: ["-c", makePassword, "postgres", ...deployed.command],
    env: { POSTGRES_DB: database, POSTGRES_USER: user, POSTGRES_PASSWORD_FILE: "/tmp/password" },
    stores: { [POSTGRES_VOLUME]: volume ?? (await throwaway.volume(name)) },
    tmpfs: { "/tmp": 64, "/var/run/postgresql": 16 },
  });
  const ready = postgresAnswers({ user, name: database });
  await throwaway.untilReady(container, ready, { what: "Postgres", seconds: START_SECONDS });
  return { docker, container, stack: throwaway.stack, user, collection };
}
