import { Problem } from "../base/problem.ts";
import type { Throwaway, ThrowawaySpec } from "../docker/throwaway.ts";
import type { DeployedStack } from "./deployed-stack.ts";

/** A service as it is deployed: what a throw-away container must have in common with it. */
export interface DeployedService {
  container: string;
  isRunning: boolean;
  image: string;
  /** `uid:gid` that its data belongs to. */
  user: string;
  memoryBytes: number;
  shmBytes: number;
  /** How long it may take to stop before Docker kills it. */
  graceSeconds: number;
  command: string[];
  env: Record<string, string>;
  /** Where its data lies: a volume or a directory of the host. */
  store: string;
}

/** Which of the manifest's stores each service keeps its data in. */
const STORES = { postgres: "postgres", neo4j: "neo4j", server: "data" } as const;

export type StoreService = keyof typeof STORES;

/** Where the container does not say how long its stop may take. */
const GRACE_SECONDS = 120;

/** Reads how a service of the stack runs; a Problem when its container is gone, for then nothing can be restored. */
export async function deployedService(
  { manifest, docker }: DeployedStack,
  service: StoreService,
): Promise<DeployedService> {
  const mend = `./mem0 up ${manifest.stack}`;
  const container = manifest.services[service]?.container;
  const store = manifest.stores[STORES[service]];
  if (container === undefined || store === undefined) {
    throw new Problem(`the manifest names no ${service}`, { mend });
  }
  const found = await docker
    .getContainer(container)
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
      throw new Problem(`the container ${container} is not there`, { mend });
    });
  return {
    container,
    isRunning: found.State.Running,
    image: found.Image,
    user: found.Config.User,
    memoryBytes: found.HostConfig.Memory ?? 0,
    graceSeconds: (found.Config as { StopTimeout?: number }).StopTimeout ?? GRACE_SECONDS,
    shmBytes: found.HostConfig.ShmSize ?? 64 * 1024 * 1024,
    command: found.Config.Cmd ?? [],
    env: Object.fromEntries(
      found.Config.Env.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    ),
    store,
  };
}

/** A throw-away container that is like the deployed one, but on nothing of its data. */
export function likeDeployed(service: DeployedService): ThrowawaySpec {
  const { image, user, memoryBytes, shmBytes } = service;
  return { image, user, memoryBytes, shmBytes };
}

/** Where scripts find the data of a service that does not run. */
export const STORE = "/store";

/**
 * Runs a bash script on the data of a service that is stopped, or on what lies beside the data of a running one.
 *
 * @param values become $1, $2, ... of the script
 * @param more what it reads beside them
 * @returns what it printed
 */
export async function onStore(
  throwaway: Throwaway,
  service: DeployedService,
  script: string,
  values: readonly string[],
  more: Pick<Parameters<Throwaway["run"]>[0], "input" | "readOnlyStores"> = {},
): Promise<string> {
  const ended = await throwaway.run({
    ...likeDeployed(service),
    entrypoint: ["bash"],
    command: ["-euo", "pipefail", "-c", `umask 077; cd ${STORE}; ${script}`, "store", ...values],
    stores: { [STORE]: service.store },
    ...more,
  });
  if (ended.exitCode !== 0) {
    throw new Problem(`work on the data of ${service.container} failed: ${ended.stderr.trim()}`, {
      where: service.store,
    });
  }
  return ended.stdout;
}
