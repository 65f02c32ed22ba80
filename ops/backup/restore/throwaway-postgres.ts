import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { execInContainer } from "../../docker.ts";
import { Problem } from "../../problem.ts";
import type { Throwaway } from "../../throwaway.ts";
import { type DeployedService, likeDeployed } from "./deployed.ts";
import type { PostgresPlace } from "./postgres.ts";

const START_MS = 180_000;

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
  const deadline = Date.now() + START_MS;
  const isReady = () =>
    // A container that has ended cannot be asked; that it has is found below.
    execInContainer(docker, container, ready).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
  while (!(await isReady())) {
    const { State } = await docker.getContainer(container).inspect();
    if (!State.Running || Date.now() > deadline) {
      const log = await docker.getContainer(container).logs({ stdout: true, stderr: true, tail: 20 });
      throw new Problem(`the throw-away Postgres does not start: ${log.toString("utf8").trim()}`);
    }
    await sleep(200);
  }
  return { docker, container, user, collection };
}
