import { z } from "zod";
import { Problem } from "../base/problem.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import type { MemoryClient } from "./client.ts";

const answer = z.object({
  /** Whether new writers are turned away. */
  maintenance: z.boolean(),
  /** Whether the writes that were under way have ended. */
  drained: z.boolean(),
});

export type PauseState = z.output<typeof answer>;

/** Turns new writers away for so many seconds, and waits for those under way. Reading goes on. */
export function beginPause(
  server: MemoryClient,
  { seconds, drainSeconds, timeoutMs }: { seconds: number; drainSeconds: number; timeoutMs: number },
): Promise<PauseState> {
  return ask(server, "POST", timeoutMs, { seconds, drain_seconds: drainSeconds });
}

/** Whether a pause goes on. */
export function readPause(server: MemoryClient, timeoutMs: number): Promise<PauseState> {
  return ask(server, "GET", timeoutMs);
}

/** Lets writes begin again. */
export function endPause(server: MemoryClient, timeoutMs: number): Promise<PauseState> {
  return ask(server, "DELETE", timeoutMs);
}

async function ask(
  server: MemoryClient,
  method: "GET" | "POST" | "DELETE",
  timeoutMs: number,
  body?: object,
): Promise<PauseState> {
  const response = await server.request({ method, path: "/admin/maintenance", timeoutMs, body });
  return answer.parse(await response.json());
}

/** Longer than the time between two extensions, so that a pause outlives a server that is busy for a moment. */
const PAUSE_SECONDS = 60;
const EXTEND_EVERY_MS = 15_000;

/** Writes under way end within the server's own time-outs: 90 s for an add unless the settings say otherwise. */
const DRAIN_ATTEMPTS = 10;
const DRAIN_SECONDS = 30;

/** A server that waits for writes under way answers after `DRAIN_SECONDS`. */
const REQUEST_MS = 60_000;

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
  const { server } = stack;
  /** Undefined when the server does not answer. */
  const unlessSilent = (asked: Promise<PauseState>) => asked.catch(() => undefined);
  const pause = () =>
    unlessSilent(
      beginPause(server, { seconds: PAUSE_SECONDS, drainSeconds: DRAIN_SECONDS, timeoutMs: REQUEST_MS }),
    );
  const end = () => unlessSilent(endPause(server, REQUEST_MS));
  let lasted = true;
  const noteWhetherItLasts = async () => {
    if ((await unlessSilent(readPause(server, REQUEST_MS)))?.maintenance === false) lasted = false;
  };
  let drained = false;
  for (let attempt = 0; attempt < DRAIN_ATTEMPTS && !drained; attempt += 1) {
    drained = (await pause())?.drained ?? true;
  }
  if (!drained) {
    await end();
    throw new Problem("writes that are under way do not end", {
      where: stack.container("server"),
      mend: `./mem0 status ${stack.name}; then the same command again`,
    });
  }
  // Looked at before it is extended: a server that was restarted has forgotten it.
  const timer = setInterval(() => noteWhetherItLasts().then(pause), EXTEND_EVERY_MS);
  return {
    requireLasting: async () => {
      await noteWhetherItLasts();
      if (lasted) return;
      throw new Problem("the memory server let writes in while the restore was prepared", {
        where: stack.container("server"),
        mend: "it was restarted, or its maintenance was ended; nothing live was changed: the same command again",
      });
    },
    end: async () => {
      clearInterval(timer);
      await end();
    },
  };
}
