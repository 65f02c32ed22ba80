import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { Manifest } from "../../../config/manifest.ts";
import { execInContainer } from "../../docker.ts";
import { MemoryClient } from "../../memory-client.ts";
import { Problem } from "../../problem.ts";

import type { DeployedService } from "./deployed.ts";

/** The slowest start that was seen on two busy cores took a minute. */
const START_MS = 300_000;

/** Stops a container in order; nothing when it does not run. Docker does not start it again by itself. */
export async function stopService(docker: Docker, { container }: DeployedService): Promise<void> {
  const { Config } = await docker.getContainer(container).inspect();
  await docker
    .getContainer(container)
    .stop({ t: (Config as { StopTimeout?: number }).StopTimeout ?? 60 })
    .catch(unless(304));
}

/** Starts a container and, with a command that tells, waits until it is healthy. */
export async function startService(
  docker: Docker,
  { container }: DeployedService,
  healthy?: readonly string[],
): Promise<void> {
  await docker.getContainer(container).start().catch(unless(304));
  if (healthy === undefined) return;
  await until(container, async () => (await execInContainer(docker, container, healthy)).exitCode === 0);
}

/** Waits until the server has found all stores to be its own, and Docker has seen that it answers: `status` asks Docker. */
export async function untilServerReady(
  docker: Docker,
  manifest: Manifest,
  { container }: DeployedService,
): Promise<void> {
  const client = new MemoryClient(manifest);
  await until(container, async () => {
    const { RestartCount, State } = await docker.getContainer(container).inspect();
    if (RestartCount > 2)
      throw new Problem("the memory server refuses the data", refusal(manifest, container));
    if (State.Health?.Status !== "healthy") return false;
    return client.request({ method: "GET", path: "/ready", timeoutMs: 10_000 }).then(
      () => true,
      () => false,
    );
  });
}

/** Longer than the time between two extensions, so that a pause outlives a server that is busy for a moment. */
const PAUSE_SECONDS = 60;
const EXTEND_EVERY_MS = 15_000;

/**
 * Lets no write begin while copies are made that will take the place of what is live; reading goes on. A server that
 * does not answer writes nothing either. The pause ends by itself should this process die.
 *
 * @returns what stops extending the pause, and ends it unless the server is stopped next
 */
export async function holdWrites(manifest: Manifest): Promise<(then: "open" | "stop") => Promise<void>> {
  const client = new MemoryClient(manifest);
  const ask = (method: "POST" | "DELETE", body?: unknown) =>
    client.request({ method, path: "/admin/maintenance", timeoutMs: 60_000, body }).catch(() => {});
  const pause = () => ask("POST", { seconds: PAUSE_SECONDS, drain_seconds: 30 });
  await pause();
  const timer = setInterval(pause, EXTEND_EVERY_MS);
  return async (then) => {
    clearInterval(timer);
    if (then === "open") await ask("DELETE");
  };
}

function refusal({ stack }: Manifest, container: string): { where: string; mend: string } {
  return {
    where: `docker logs ${container}`,
    mend: `./mem0 restore --roll-back --stack ${stack}`,
  };
}

async function until(container: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Problem(`${container} is not ready ${START_MS / 1000} s after its start`, {
        where: `docker logs ${container}`,
        mend: "./mem0 restore --continue waits on; ./mem0 restore --roll-back goes back",
      });
    }
    await sleep(500);
  }
}

function unless(code: number): (error: { statusCode?: number }) => void {
  return (error) => {
    if (error.statusCode !== code) throw error;
  };
}
