import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { execInContainer } from "../../docker.ts";
import { Problem } from "../../problem.ts";
import type { Throwaway } from "../../throwaway.ts";
import { type DeployedService, likeDeployed } from "./deployed.ts";
import type { PostgresPlace } from "./postgres.ts";

const START_MS = 180_000;

/** Starts an empty Postgres like the deployed one, on a volume of its own; nobody can log in to it over a network. */
export async function startThrowawayPostgres(
  docker: Docker,
  throwaway: Throwaway,
  deployed: DeployedService,
  { user, collection }: Pick<PostgresPlace, "user" | "collection">,
): Promise<PostgresPlace> {
  const makePassword =
    'umask 077; head -c 24 /dev/urandom | base64 >/tmp/password; exec docker-entrypoint.sh "$@"';
  const container = await throwaway.start("postgres", {
    ...likeDeployed(deployed),
    entrypoint: ["bash"],
    command: ["-c", makePassword, "postgres", ...deployed.command],
    env: { POSTGRES_DB: "empty", POSTGRES_USER: user, POSTGRES_PASSWORD_FILE: "/tmp/password" },
    stores: { "/var/lib/postgresql/data": await throwaway.volume("postgres") },
    tmpfs: { "/tmp": 64, "/var/run/postgresql": 16 },
  });
  const ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", user, "-d", "empty"];
  const deadline = Date.now() + START_MS;
  while ((await execInContainer(docker, container, ready)).exitCode !== 0) {
    const { State } = await docker.getContainer(container).inspect();
    if (!State.Running || Date.now() > deadline) {
      const log = await docker.getContainer(container).logs({ stdout: true, stderr: true, tail: 5 });
      throw new Problem(`the throw-away Postgres does not start: ${log.toString("utf8").trim()}`);
    }
    await sleep(200);
  }
  return { docker, container, user, collection };
}
