import { z } from "zod";
import type { MemoryClient } from "../memory-client.ts";
import { Problem } from "../problem.ts";

const maintenance = z.object({
  drained: z.boolean(),
  writes_in_flight: z.number(),
  repairs_pending: z.number(),
});
const begun = z.object({ key: z.string(), quiet: z.boolean() });
const ended = z.object({ lasted: z.boolean() });

/**
 * A pause ends by itself after this long, should this process die in it. It must outlast draining: an add that asks a
 * slow model is waited for.
 */
const PAUSE_SECONDS = 60;
const DRAIN_SECONDS = 45;

/** The same for the hold, which is extended while this process lives. */
const HOLD_SECONDS = 60;
const EXTEND_EVERY_MS = 15_000;

const REQUEST_MS = 10_000;

/** The moment at which all stores show the same, and what keeps the graph and the history as they were then. */
export interface Held<T> {
  /** What `atCut` returned. */
  taken: T;
  cutAt: Date;
  /** How long writers were turned away. */
  pausedSeconds: number;
  /**
   * Ends the hold; call it as soon as the copies exist, or when there will be none.
   *
   * @throws Problem when the hold had not lasted, for example because the server was restarted: graph and history may
   *   have changed while they were copied
   */
  release: () => Promise<void>;
}

/**
 * Pauses writes until those under way have ended, runs `atCut`, and lets writes begin again while the graph and the
 * history stay as they are.
 *
 * @param atCut fixes what cannot be held: a snapshot of Postgres. Writers wait for it
 */
export async function holdStores<T>(server: MemoryClient, atCut: () => Promise<T>): Promise<Held<T>> {
  const started = performance.now();
  const pause = { seconds: PAUSE_SECONDS, drain_seconds: DRAIN_SECONDS };
  let key: string | undefined;
  try {
    const state = maintenance.parse(
      await ask(server, "POST", "/admin/maintenance", pause, DRAIN_SECONDS * 1000 + REQUEST_MS),
    );
    if (!state.drained) throw notDrained(state);
    const taken = await atCut();
    const hold = begun.parse(await ask(server, "POST", "/admin/hold", { seconds: HOLD_SECONDS }));
    key = hold.key;
    if (!hold.quiet) throw new Problem("the graph or the history changes although nothing is under way");
    const cutAt = new Date();
    await ask(server, "DELETE", "/admin/maintenance");
    const pausedSeconds = Math.round(performance.now() - started) / 1000;
    return { taken, cutAt, pausedSeconds, release: keepHeld(server, hold.key) };
  } catch (error) {
    await letGo(server, key);
    throw error;
  }
}

async function ask(
  server: MemoryClient,
  method: "POST" | "DELETE",
  path: string,
  body?: object,
  timeoutMs = REQUEST_MS,
): Promise<unknown> {
  return (await server.request({ method, path, timeoutMs, ...(body === undefined ? {} : { body }) })).json();
}

/** Ends whatever a run of ours may have begun; the server would end it by itself later. */
async function letGo(server: MemoryClient, key: string | undefined): Promise<void> {
  const ignore = () => {};
  await ask(server, "DELETE", "/admin/maintenance").catch(ignore);
  if (key !== undefined) await ask(server, "DELETE", `/admin/hold?key=${key}`).catch(ignore);
}

function keepHeld(server: MemoryClient, key: string): () => Promise<void> {
  const extend = () =>
    // Whether it lasted is asked at the end; a server that is busy for a moment is no reason to give up.
    ask(server, "POST", "/admin/hold", { seconds: HOLD_SECONDS, key }).catch(() => {});
  const timer = setInterval(extend, EXTEND_EVERY_MS);
  return async () => {
    clearInterval(timer);
    const { lasted } = ended.parse(await ask(server, "DELETE", `/admin/hold?key=${key}`));
    if (!lasted) {
      throw new Problem("the memory server did not hold the graph and the history until they were copied", {
        mend: "it was restarted, or another backup runs; try again",
      });
    }
  };
}

function notDrained({ writes_in_flight, repairs_pending }: z.output<typeof maintenance>): Problem {
  return new Problem(
    `the stores did not come to rest within ${DRAIN_SECONDS} s: ${writes_in_flight} writes under way, ` +
      `${repairs_pending} to be repaired`,
    {
      mend: "look at Neo4j and at GET /ready of the memory server: a store that does not answer cannot be backed up",
    },
  );
}
