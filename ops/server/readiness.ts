import { Problem } from "../base/problem.ts";
import { waitUntil } from "../base/wait-until.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import type { Report } from "../stack/pulumi-events.ts";
import { ServerRefusal } from "./client.ts";

/** Neo4j takes up to 44 s to its first answer on a small machine; the model and the identity check come after that. */
const READY_WITHIN_MS = 180_000;

export interface ReadyOptions {
  withinMs?: number;
  /** What must hold before the server is asked. */
  isStarted?: () => Promise<boolean>;
  /** What to say when patience is over, and what the server lacked then. */
  late?: (lacks: readonly string[]) => Problem;
}

/**
 * Waits until the memory server serves: a container is healthy as soon as its process answers, which says nothing of
 * whether the stores behind it are there and are its own.
 *
 * @throws Problem that names what does not answer, when patience is over
 */
export async function untilReady(
  stack: DeployedStack,
  report: Report,
  { withinMs = READY_WITHIN_MS, isStarted = async () => true, late = notReady(stack) }: ReadyOptions = {},
): Promise<void> {
  let lacks: string[] = [];
  const isReady = async () => {
    if (!(await isStarted())) return false;
    lacks = await stack.server.lacks().catch(whileSilent);
    if (lacks.length > 0) report(lacks.join("; "), true);
    return lacks.length === 0;
  };
  await waitUntil(isReady, { withinMs, late: () => late(lacks) });
}

function notReady(stack: DeployedStack): NonNullable<ReadyOptions["late"]> {
  return (lacks) =>
    new Problem(`stack ${stack.name} is up, but not ready:\n${lacks.join("\n")}`, {
      mend: `docker logs ${stack.container("server")} --tail 50`,
    });
}

/** A server that is starting fails or does not answer for a while; one that refuses the question always will. */
function whileSilent(error: Error): string[] {
  if (error instanceof ServerRefusal && error.status < 500) throw error;
  return [error.message];
}
