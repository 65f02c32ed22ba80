import type Docker from "dockerode";
import { Problem } from "../base/problem.ts";
import { waitUntil } from "../base/wait-until.ts";

/** Longest time that a container may take, as its own start period and retries allow. */
const HEALTHY_WITHIN_MS = 300_000;

/**
 * Waits until a container's own check says that it is well; one without a check is, as soon as it runs.
 *
 * @throws Problem that tells its last state, when patience is over
 */
export async function untilHealthy(docker: Docker, name: string): Promise<void> {
  let state = "unknown";
  const isHealthy = async () => {
    const { State } = await docker.getContainer(name).inspect();
    state = (State.Running && State.Health?.Status) || State.Status;
    return state === "healthy" || (state === "running" && State.Health === undefined);
  };
  await waitUntil(isHealthy, {
    withinMs: HEALTHY_WITHIN_MS,
    late: () =>
      new Problem(`it does not become healthy, but is ${state}`, {
        where: name,
        mend: `docker logs ${name} --tail 50`,
      }),
  });
}
