import { z } from "zod";
import { secondsSince } from "../base/elapsed.ts";
import { Problem } from "../base/problem.ts";
import type { MemoryClient } from "./client.ts";
import { beginPause, endPause } from "./pause.ts";

const begun = z.object({ key: z.string(), quiet: z.boolean() });
const ended = z.object({ lasted: z.boolean() });

/**
 * How long new writers are turned away at most while those under way end. Adds that wait for a slow model are not
 * waited for: what they will write comes after the cut.
 */
const DRAIN_SECONDS = 1.5;

/** The pause ends by itself after this long, should this process die in it. */
const PAUSE_SECONDS = 30;

/** A change of the graph that is under way is bounded by the server's own time-outs. */
const QUIET_SECONDS = 15;

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
 * Turns writers away for a moment, holds the graph and the history, runs `atCut`, and lets writes begin again.
 *
 * The hold comes before `atCut`: so whatever has reached the graph or the history is in the Postgres of that moment too,
 * and what has not is there as an intent, which the server of a restored stack carries out. Mostly there is none, since
 * writes under way have ended by then.
 *
 * @param atCut fixes what cannot be held: a snapshot of Postgres. Writers wait for it
 * @param writersAway the caller has turned writers away, keeps them away, and lets them in again
 */
export async function holdStores<T>(
  server: MemoryClient,
  atCut: () => Promise<T>,
  writersAway = false,
): Promise<Held<T>> {
  const started = performance.now();
  const letWritersIn = async () => {
    if (!writersAway) await endPause(server, REQUEST_MS);
  };
  let key: string | undefined;
  try {
    if (!writersAway) {
      await beginPause(server, {
        seconds: PAUSE_SECONDS,
        drainSeconds: DRAIN_SECONDS,
        timeoutMs: REQUEST_MS,
      });
    }
    const hold = begun.parse(
      await ask(
        server,
        "POST",
        "/admin/hold",
        { seconds: HOLD_SECONDS, quiet_seconds: QUIET_SECONDS },
        QUIET_SECONDS * 1000 + REQUEST_MS,
      ),
    );
    key = hold.key;
    if (!hold.quiet) {
      throw new Problem(`a change of the graph or the history did not end within ${QUIET_SECONDS} s`, {
        mend: "look at GET /ready of the memory server: a store that does not answer cannot be backed up",
      });
    }
    const taken = await atCut();
    const cutAt = new Date();
    await letWritersIn();
    const pausedSeconds = secondsSince(started);
    return { taken, cutAt, pausedSeconds, release: keepHeld(server, hold.key) };
  } catch (error) {
    // Ends whatever this run may have begun; the server would end it by itself later.
    await letWritersIn().catch(() => {});
    if (key !== undefined) await ask(server, "DELETE", `/admin/hold?key=${key}`).catch(() => {});
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
