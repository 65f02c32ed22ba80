import type Docker from "dockerode";
import pg from "pg";
import { ignoring, withDocker } from "../docker/client.ts";
import { sql } from "../docker/psql.ts";
import type { DeployedStack } from "./deployed-stack.ts";

export interface ServiceStatus {
  service: string;
  container: string;
  /** `healthy`, `unhealthy`, `starting` while it runs; else Docker's own word: `exited`, `restarting`, `missing`. */
  state: string;
  ports: number[];
  memoryBytes: number | undefined;
  memoryLimitBytes: number | undefined;
  startedAt: string | undefined;
}

export interface StackStatus {
  stack: string;
  healthy: boolean;
  services: ServiceStatus[];
  /** Undefined when Postgres cannot be asked. Counted in the database: lists of the API are cut at 100. */
  memories: number | undefined;
  users: number | undefined;
  /** Address of the dashboard, where there is a Grafana. */
  dashboard: string | undefined;
}

/** How a deployed stack is doing, seen from Docker and its database. */
export function stackStatus(stack: DeployedStack): Promise<StackStatus> {
  const { manifest, docker } = stack;
  return withDocker(stack.dockerHost, async () => {
    const [services, counts] = await Promise.all([
      Promise.all(
        Object.entries(manifest.services).map(([service, { container, ports }]) =>
          serviceStatus(docker, service, container, Object.values(ports)),
        ),
      ),
      countMemories(stack),
    ]);
    const healthy = services.every(({ state }) => state === "healthy");
    const dashboard = manifest.observability?.grafana?.dashboard;
    return { stack: stack.name, healthy, services, ...counts, dashboard };
  });
}

async function serviceStatus(
  docker: Docker,
  service: string,
  name: string,
  ports: number[],
): Promise<ServiceStatus> {
  const absent = { memoryBytes: undefined, memoryLimitBytes: undefined, startedAt: undefined };
  const container = docker.getContainer(name);
  const seen = await container.inspect().catch(ignoring(404));
  if (seen === undefined) return { service, container: name, state: "missing", ports, ...absent };
  if (!seen.State.Running) return { service, container: name, state: seen.State.Status, ports, ...absent };
  const { memory_stats: memory } = await container.stats({ stream: false, "one-shot": true });
  return {
    service,
    container: name,
    state: seen.State.Health?.Status ?? seen.State.Status,
    ports,
    memoryBytes: usedMemory(memory),
    memoryLimitBytes: memory.limit,
    startedAt: seen.State.StartedAt,
  };
}

/** What `docker stats` shows: usage without the file cache that the kernel would give back (cgroup 1 and 2). */
function usedMemory({ usage, stats }: Docker.MemoryStats): number {
  const cache = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return usage - cache;
}

async function countMemories(stack: DeployedStack): Promise<Pick<StackStatus, "memories" | "users">> {
  const { docker, manifest, readerRole: role } = stack;
  const { services, database } = manifest;
  const unknown = { memories: undefined, users: undefined };
  const container = services.postgres?.container;
  if (container === undefined) return unknown;
  const counts = `SELECT count(*), count(DISTINCT payload->>'user_id') FROM public.${pg.escapeIdentifier(database.collection)}`;
  const counted = await sql({ docker, container, role }, database.name, counts).catch(() => undefined);
  if (counted === undefined) return unknown;
  const [memories, users] = counted.split("|").map(Number);
  return { memories, users };
}
