import type { Update } from "grammy/types";
import { log } from "../../exporter/src/log.ts";
import { backoffMs, type Sleep } from "./patience.ts";
import type { State } from "./state.ts";
import { type Telegram, TelegramFault } from "./telegram.ts";

export interface PollerOptions {
  telegram: Telegram;
  state: State;
  sleep: Sleep;
  /**
   * Takes a batch so that it is kept, before it is confirmed to Telegram. What it throws leaves the batch with Telegram.
   *
   * @param username the bot's own
   */
  take: (updates: readonly Update[], username: string) => void;
}

/** Two pollers end each other's polls: who waits longer lets the other work, and a person has to end one of them. */
const CONFLICT_MS = 15_000;
/** Nothing but another token helps, which comes with a new container. */
const TOKEN_MS = 60_000;
const MOST_MS = 30_000;
/** Telegram holds a poll while there is nothing; whatever answers at once has another idea of it. */
const LEAST_MS = 1_000;
/** An offset is for the very next polls only: after a week of silence ids begin anew, maybe below it. */
const OFFSET_LASTS_MS = 3_600_000;

/**
 * Asks Telegram for updates. A batch is confirmed by the poll after it, and only when it was taken; no offset is kept
 * beyond that, neither on disk nor while there is nothing to confirm.
 */
export async function poll(
  { telegram, state, sleep, take }: PollerOptions,
  signal: AbortSignal,
): Promise<void> {
  let username: string | undefined;
  let confirms: { offset: number; since: number } | undefined;
  let failures = 0;
  /** Whether the last poll succeeded. Until one has, none waits: that it works again is to be known at once. */
  let works = false;
  while (!signal.aborted) {
    const started = Date.now();
    try {
      username ??= await introduce(telegram);
      if (confirms !== undefined && started - confirms.since > OFFSET_LASTS_MS) confirms = undefined;
      const updates = await telegram.updates(confirms?.offset, works, signal);
      const waited = works;
      works = true;
      state.polled();
      failures = 0;
      confirms = undefined;
      if (updates.length === 0) {
        if (waited && Date.now() - started < LEAST_MS) await sleep(LEAST_MS, signal);
        continue;
      }
      if (!taken(updates, username, state, take)) {
        await sleep(backoffMs(failures++, MOST_MS), signal);
        continue;
      }
      confirms = { offset: Math.max(...updates.map(({ update_id }) => update_id)) + 1, since: Date.now() };
    } catch (error) {
      if (signal.aborted) return;
      works = false;
      state.failed("telegram", error);
      if (error instanceof TelegramFault && error.reason === "webhook") {
        await telegram.dropWebhook().catch((fault: TelegramFault) => state.failed("telegram", fault));
      }
      await sleep(pauseMs(error, failures++), signal).catch(() => {});
    }
  }
}

/** Who the bot is; and its commands, which only help to write them, and so may fail. */
async function introduce(telegram: Telegram): Promise<string> {
  const { username } = await telegram.me();
  await telegram
    .announceCommands()
    .catch(({ message }: TelegramFault) =>
      log("warning", "the commands were not announced", { detail: message }),
    );
  log("info", "authorized", { bot: username });
  return username;
}

function taken(
  updates: readonly Update[],
  username: string,
  state: State,
  take: PollerOptions["take"],
): boolean {
  try {
    take(updates, username);
    state.well("inbox");
    return true;
  } catch (error) {
    state.failed("inbox", error);
    return false;
  }
}

function pauseMs(error: unknown, attempt: number): number {
  if (!(error instanceof TelegramFault)) return backoffMs(attempt, MOST_MS);
  if (error.reason === "token") return TOKEN_MS;
  if (error.reason === "conflict") return CONFLICT_MS;
  return backoffMs(attempt, MOST_MS, error.retryAfter);
}
