import type { Update } from "grammy/types";
import { Refusal } from "./refusal.ts";

/** Telegram keeps what was not confirmed for a day. */
const KEPT_MS = 24 * 3_600_000;

interface Kept {
  update: Update;
  since: number;
}

interface Poll {
  wake: () => void;
  /** Another poll has begun. */
  ended: boolean;
}

/** The queue of a bot's updates, and the one poll that may wait at it. */
export class Updates {
  /** Moves the clock of the queue; in milliseconds. */
  now: () => number = Date.now;
  /** While one is set, nobody may poll. */
  webhook = "";
  #next = 730_000_001;
  #kept: Kept[] = [];
  #poll: Poll | undefined;

  add(content: Omit<Update, "update_id">): number {
    const update = { update_id: this.#next++, ...content };
    this.#kept.push({ update, since: this.now() });
    this.#poll?.wake();
    return update.update_id;
  }

  /** What happens when nothing came for a week: the next id is another one, maybe a lower. */
  restartAt(id: number): void {
    this.#next = id;
  }

  /** How many wait to be confirmed. */
  get unconfirmed(): number {
    return this.#fresh().length;
  }

  /** Ends the poll that waits, as a new connection does. */
  conflict(): void {
    if (this.#poll === undefined) return;
    this.#poll.ended = true;
    this.#poll.wake();
  }

  async get(
    { offset = 0, limit = 100, timeout = 0 }: { offset?: number; limit?: number; timeout?: number },
    gone: AbortSignal,
  ): Promise<Update[]> {
    if (this.webhook !== "") {
      throw new Refusal(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    }
    this.conflict();
    this.#confirm(offset);
    const size = Math.min(Math.max(limit, 1), 100);
    const poll: Poll = { wake: () => {}, ended: false };
    this.#poll = poll;
    const end = Date.now() + Math.min(timeout, 50) * 1000;
    while (this.#fresh().length === 0 && Date.now() < end && !poll.ended && !gone.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        gone.addEventListener("abort", () => poll.wake(), { once: true });
        poll.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (poll.ended) {
      throw new Refusal(
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      );
    }
    if (this.#poll === poll) this.#poll = undefined;
    return this.#fresh()
      .slice(0, size)
      .map(({ update }) => update);
  }

  /** Only a higher offset confirms; a negative one counts from the end; one far beyond the end means nothing. */
  #confirm(offset: number): void {
    const all = this.#fresh();
    if (offset < 0) {
      this.#kept = all.slice(offset);
      return;
    }
    const tail = this.#next - 1;
    if (offset > tail + 10) return;
    this.#kept = all.filter(({ update }) => update.update_id >= offset);
  }

  #fresh(): Kept[] {
    const oldest = this.now() - KEPT_MS;
    this.#kept = this.#kept.filter(({ since }) => since > oldest);
    return this.#kept;
  }
}
