import type { Channel } from "./channels.ts";
import { delivered } from "./core.ts";
import type { AlertStore } from "./store.ts";

/** Messages that wait because somebody could not be told. */
export interface Undelivered {
  channel: string;
  messages: number;
  reason: string;
}

/**
 * Sends what waits to each channel, in order; the channels side by side, so that none waits for another. A message leaves
 * the queue when its send has worked: a process that is killed between the two sends that one message again.
 *
 * @returns who could not be told, and why; that waits on disk
 */
export async function deliver(
  store: AlertStore,
  channels: readonly Channel[],
  now: () => number,
): Promise<Undelivered[]> {
  const results = await Promise.all(
    channels.map(async ({ name, send }): Promise<Undelivered[]> => {
      const waiting = store.read().queue.filter(({ channel }) => channel === name);
      for (const [index, message] of waiting.entries()) {
        try {
          await send(message);
        } catch (error) {
          return [{ channel: name, messages: waiting.length - index, reason: (error as Error).message }];
        }
        store.change((state) => delivered(state, message.id, now()));
      }
      return [];
    }),
  );
  return results.flat();
}
