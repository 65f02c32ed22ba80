import type Docker from "dockerode";
import { z } from "zod";
import { Problem } from "../../base/problem.ts";
import { waitUntil } from "../../base/wait-until.ts";
import { ignoring } from "../../docker/client.ts";
import { execInContainer } from "../../docker/command.ts";
import type { DeployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { postgresAnswers } from "../stores/postgres/restore.ts";

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
  { docker, name: stack }: DeployedStack,
  { container }: Pick<DeployedService, "container">,
  healthy?: readonly string[],
): Promise<void> {
  await docker.getContainer(container).start().catch(ignoring(304));
  if (healthy === undefined) return;
  await until(container, stack, async () => {
    // 409: Docker is about to start it again.
    const asked = await execInContainer(docker, container, healthy).catch(ignoring(409));
    return asked?.exitCode === 0;
  });
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
export async function untilServerReady(stack: DeployedStack, { container }: DeployedService): Promise<void> {
  await until(container, stack.name, async () => {
    const { RestartCount, State } = await stack.docker.getContainer(container).inspect();
    if (RestartCount > 2)
      throw new Problem("the memory server refuses the data", refusal(stack.name, container));
    if (State.Health?.Status !== "healthy") return false;
    return stack.server.lacks().then(
      (lacks) => lacks.length === 0,
      () => false,
    );
  });
}

/** Longer than the time between two extensions, so that a pause outlives a server that is busy for a moment. */
const PAUSE_SECONDS = 60;
const EXTEND_EVERY_MS = 15_000;

/** Writes under way end within the server's own time-outs: 90 s for an add unless the settings say otherwise. */
const DRAIN_ATTEMPTS = 10;
const DRAIN_SECONDS = 30;

const maintenance = z.object({ maintenance: z.boolean(), drained: z.boolean() });

/** A time without writes, from the backup of what is live until something else takes its place. */
export interface WritesHeld {
  /**
   * @throws Problem when the server let writes in meanwhile, because it was restarted or its pause was ended by somebody:
   *   they are in no copy
   */
  requireLasting: () => Promise<void>;
  /** Lets writes in again. */
  end: () => Promise<void>;
}

/**
 * Lets no write begin, and waits for those under way; reading goes on. A server that does not answer writes nothing
 * either. The pause ends by itself should this process die.
 *
 * @throws Problem when writes under way do not end
 */
export async function holdWrites(stack: DeployedStack): Promise<WritesHeld> {
  /** Undefined when the server does not answer. */
  const ask = async (method: "GET" | "POST" | "DELETE", body?: unknown) => {
    const request = { method, path: "/admin/maintenance", timeoutMs: 60_000, body };
    const answer = await stack.server.request(request).catch(() => undefined);
    return answer === undefined ? undefined : maintenance.parse(await answer.json());
  };
  const pause = () => ask("POST", { seconds: PAUSE_SECONDS, drain_seconds: DRAIN_SECONDS });
  let lasted = true;
  const look = async () => {
    if ((await ask("GET"))?.maintenance === false) lasted = false;
  };
  let drained = false;
  for (let attempt = 0; attempt < DRAIN_ATTEMPTS && !drained; attempt += 1) {
    drained = (await pause())?.drained ?? true;
  }
  if (!drained) {
    await ask("DELETE");
    throw new Problem("writes that are under way do not end", {
      where: stack.container("server"),
      mend: `./mem0 status ${stack.name}; then the same command again`,
    });
  }
  // Looked at before it is extended: a server that was restarted has forgotten it.
  const timer = setInterval(() => look().then(pause), EXTEND_EVERY_MS);
  return {
    requireLasting: async () => {
      await look();
      if (lasted) return;
      throw new Problem("the memory server let writes in while the restore was prepared", {
        where: stack.container("server"),
        mend: "it was restarted, or its maintenance was ended; nothing live was changed: the same command again",
      });
    },
    end: async () => {
      clearInterval(timer);
      await ask("DELETE");
    },
  };
}

function refusal(stack: string, container: string): { where: string; mend: string } {
  return {
    where: `docker logs ${container}`,
    mend: `./mem0 restore --roll-back --stack ${stack}`,
  };
}

function until(container: string, stack: string, condition: () => Promise<boolean>): Promise<void> {
  return waitUntil(condition, {
    withinMs: START_MS,
    late: () =>
      new Problem(`${container} is not ready ${START_MS / 1000} s after its start`, {
        where: `docker logs ${container}`,
        mend: `./mem0 restore --continue --stack ${stack} waits on; ./mem0 restore --roll-back --stack ${stack} goes back`,
      }),
  });
}
