import type Docker from "dockerode";
import { postgresAnswers } from "../../../config/probes.ts";
import { Problem } from "../../base/problem.ts";
import { waitUntil } from "../../base/wait-until.ts";
import { ignoring } from "../../docker/client.ts";
import { execInContainer } from "../../docker/command.ts";
import { untilReady } from "../../server/readiness.ts";
import type { DeployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";

/** The slowest start that was seen on two busy cores took a minute. */
const START_MS = 300_000;

/** Stops a container in order; nothing when it does not run. Docker does not start it again by itself. */
export async function stopService(
  docker: Docker,
  { container, graceSeconds }: DeployedService,
): Promise<void> {
  await docker.getContainer(container).stop({ t: graceSeconds }).catch(ignoring(304));
}

/** Starts a container and, with a command that tells, waits until it is healthy. */
export async function startService(
  stack: DeployedStack,
  { container }: Pick<DeployedService, "container">,
  healthy?: readonly string[],
): Promise<void> {
  const { docker } = stack;
  await docker.getContainer(container).start().catch(ignoring(304));
  if (healthy === undefined) return;
  const isHealthy = async () => {
    // 409: Docker is about to start it again.
    const asked = await execInContainer(docker, container, healthy).catch(ignoring(409));
    return asked?.exitCode === 0;
  };
  await waitUntil(isHealthy, { withinMs: START_MS, late: notStarted(stack, container) });
}

/**
 * Starts whatever stands still, and waits for Postgres if it is among it: an engine that was killed leaves its containers
 * stopped for good, and while a swap is cut off `up` does not start them.
 *
 * @param besides containers whose data is being swapped, or that follow later
 */
export async function startOthers(stack: DeployedStack, besides: readonly string[]): Promise<void> {
  const { docker, manifest } = stack;
  const others = Object.values(manifest.services)
    .map(({ container }) => container)
    .filter((container) => !besides.includes(container));
  await Promise.all(
    others.map((container) => docker.getContainer(container).start().catch(ignoring(304, 404))),
  );
  const container = stack.container("postgres");
  if (others.includes(container))
    await startService(stack, { container }, postgresAnswers(manifest.database));
}

/** Waits until the server has found all stores to be its own, and Docker has seen that it answers: `status` asks Docker. */
export function untilServerReady(stack: DeployedStack, { container }: DeployedService): Promise<void> {
  const isStarted = async () => {
    const { RestartCount, State } = await stack.docker.getContainer(container).inspect();
    if (RestartCount > 2)
      throw new Problem("the memory server refuses the data", refusal(stack.name, container));
    return State.Health?.Status === "healthy";
  };
  return untilReady(stack, () => {}, { withinMs: START_MS, isStarted, late: notStarted(stack, container) });
}

function refusal(stack: string, container: string): { where: string; mend: string } {
  return {
    where: `docker logs ${container}`,
    mend: `./mem0 restore --roll-back --stack ${stack}`,
  };
}

function notStarted({ name }: DeployedStack, container: string): () => Problem {
  return () =>
    new Problem(`${container} is not ready ${START_MS / 1000} s after its start`, {
      where: `docker logs ${container}`,
      mend: `./mem0 restore --continue --stack ${name} waits on; ./mem0 restore --roll-back --stack ${name} goes back`,
    });
}
