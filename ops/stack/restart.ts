import { SERVICES } from "../../config/names.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { ignoring } from "../docker/client.ts";
import { untilHealthy } from "../docker/healthy.ts";
import { untilReady } from "../server/readiness.ts";
import type { DeployedStack } from "./deployed-stack.ts";
import type { Report } from "./pulumi-events.ts";

/** What answers to requests needs; the others only watch. */
const SERVING = ["postgres", "neo4j", "model", "server"];

/**
 * The services that are meant, in the order in which they start: each behind those that it needs.
 *
 * @param named none means all
 * @throws Problem that lists the services of the stack when one of them is not among them
 */
export function servicesToRestart({ manifest }: DeployedStack, named: readonly string[]): string[] {
  const rank = (service: string) => (SERVICES as readonly string[]).indexOf(service);
  const all = Object.keys(manifest.services).sort((a, b) => rank(a) - rank(b));
  const unknown = named.filter((service) => !all.includes(service));
  if (unknown.length > 0) {
    throw new Problem(`stack ${manifest.stack} has no service ${unknown.join(", ")}`, {
      mend: `one or more of: ${all.join(", ")}`,
      exitCode: ExitCode.usage,
    });
  }
  return named.length === 0 ? all : all.filter((service) => named.includes(service));
}

/**
 * Stops services, each before those that it needs and with the grace that its container was made with, and starts them
 * in the other direction, each when those before it are healthy. What stood still is started. Nothing that is declared
 * changes, so no later `up` differs. Call it inside `withDocker`.
 *
 * @param services in the order in which they start
 * @returns whether it was seen that the stack serves; it is not looked at when they only watch
 * @throws Problem when one has no container, or does not become healthy, or the stack does not serve in the end
 */
export async function restartServices(
  stack: DeployedStack,
  services: readonly string[],
  report: Report,
): Promise<boolean> {
  const { docker } = stack;
  const named = services.map((service) => ({ service, container: stack.container(service) }));
  for (const { service, container } of named) {
    if ((await docker.getContainer(container).inspect().catch(ignoring(404))) !== undefined) continue;
    throw new Problem(`${service} has no container`, { where: container, mend: `./mem0 up ${stack.name}` });
  }
  for (const { service, container } of named.toReversed()) {
    report(`stopping ${service}`);
    await docker.getContainer(container).stop().catch(ignoring(304));
  }
  for (const { service, container } of named) {
    report(`starting ${service}`);
    await docker.getContainer(container).start().catch(ignoring(304));
    await untilHealthy(docker, container);
  }
  if (services.every((service) => !SERVING.includes(service))) return false;
  const server = stack.container("server");
  if (!(await docker.getContainer(server).inspect()).State.Running) {
    throw new Problem("the memory server stands still, so the stack does not serve", {
      where: server,
      mend: `./mem0 restart server --stack ${stack.name}`,
    });
  }
  report("waiting until the stack serves");
  await untilReady(stack, report);
  return true;
}
