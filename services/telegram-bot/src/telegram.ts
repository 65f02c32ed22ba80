import { Api, GrammyError, HttpError } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import type { Part } from "./inbox.ts";

/** Why Telegram did not do what it was asked for, in few enough words for a label. */
export const FAULTS = [
  "conflict",
  "webhook",
  "token",
  "rate_limited",
  "telegram_error",
  "unreachable",
  "timeout",
  "malformed",
  "refused",
] as const;

export type Reason = (typeof FAULTS)[number];

/** What to do about those that do not pass by themselves. */
const MENDS: Partial<Record<Reason, string>> = {
  conflict: "another program asks with the same token: stop it, or give this stack a bot of its own",
  token: "Telegram knows no such token: pulumi config set --secret mem0:telegramToken, then ./mem0 up",
  unreachable: "no way to Telegram: look at this machine's network",
};

/** A failed call of Telegram. Its message holds neither the address, which has the token in it, nor a text. */
export class TelegramFault extends Error {
  override name = "TelegramFault";
  readonly reason: Reason;
  /** Seconds that Telegram wants to be left alone. */
  readonly retryAfter: number | undefined;

  constructor(reason: Reason, detail: string, retryAfter?: number) {
    const mend = MENDS[reason];
    super(`${detail}${mend === undefined ? "" : `; ${mend}`}`);
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call can succeed later. */
  get passes(): boolean {
    return this.reason !== "refused";
  }
}

/**
 * Seconds: how long Telegram may hold a poll while there is nothing new; how much later an answer may come, beyond which
 * the connection has died, as after sleep, when nothing says so; how long any other call may take.
 */
const TIMES = { poll: 25, beyond: 10, call: 15 };

/** What people can ask for, as Telegram shows it beside the field for a message. */
export const COMMANDS = [
  { command: "remember", description: "keep something: /remember I am allergic to nuts" },
  { command: "recall", description: "ask by meaning: /recall what must I not eat?" },
  { command: "list", description: "show the newest memories" },
  { command: "forget", description: "forget one, by its number in what was shown" },
  { command: "status", description: "how the memory is" },
  { command: "help", description: "what I can do" },
];

type Signal = Parameters<Api["getUpdates"]>[1];

/** Telegram's Bot API, as far as the bot needs it. Every call raises TelegramFault and nothing else. */
export class Telegram {
  readonly #polls: Api;
  readonly #calls: Api;
  readonly #times: typeof TIMES;
  /** Of this bot; a token begins with it. */
  readonly botId: number;

  constructor(token: string, url: string, times = TIMES) {
    this.botId = Number(token.split(":")[0]);
    this.#times = times;
    this.#polls = new Api(token, { apiRoot: url, timeoutSeconds: times.poll + times.beyond });
    this.#calls = new Api(token, { apiRoot: url, timeoutSeconds: times.call });
  }

  me(): Promise<UserFromGetMe> {
    return named(this.#calls.getMe());
  }

  async announceCommands(): Promise<void> {
    await named(this.#calls.setMyCommands(COMMANDS));
  }

  /** Polling and a webhook exclude each other. What waits for it stays. */
  async dropWebhook(): Promise<void> {
    await named(this.#calls.deleteWebhook({ drop_pending_updates: false }));
  }

  /**
   * Asks for updates.
   *
   * @param offset confirms all below it; without one the oldest unconfirmed come
   * @param waits whether to wait for some while there are none
   */
  updates(offset: number | undefined, waits: boolean, signal: AbortSignal): Promise<Update[]> {
    const wanted = {
      ...(offset === undefined ? {} : { offset }),
      timeout: waits ? this.#times.poll : 0,
      limit: 100,
      allowed_updates: ["message", "callback_query"] as const,
    };
    // grammY declares the signal of the package that it takes the place of where there is none.
    return named(this.#polls.getUpdates(wanted, signal as unknown as Signal));
  }

  /** @returns the new message's id */
  async send(chat: number | string, part: Part, replyTo: number | undefined): Promise<number> {
    const reply =
      replyTo === undefined
        ? {}
        : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } };
    const sent = await named(this.#calls.sendMessage(chat, part.html, { ...form(part), ...reply }));
    return sent.message_id;
  }

  /** Puts a part in place of a message. @returns false when that message is not there any more */
  async edit(chat: number, message: number, part: Part): Promise<boolean> {
    try {
      await named(this.#calls.editMessageText(chat, message, part.html, form(part)));
      return true;
    } catch (error) {
      if (!(error instanceof TelegramFault) || error.reason !== "refused") throw error;
      // A repeat of an edit that had succeeded.
      if (/message is not modified/.test(error.message)) return true;
      if (/message (to edit not found|can't be edited)|MESSAGE_ID_INVALID/.test(error.message)) return false;
      throw error;
    }
  }

  /** Ends the wait that a pressed button shows. */
  async pressed(callback: string): Promise<void> {
    await named(this.#calls.answerCallbackQuery(callback));
  }
}

function form({ buttons }: Part) {
  const row = buttons?.map(({ text, data }) => ({ text, callback_data: data }));
  return {
    parse_mode: "HTML" as const,
    link_preview_options: { is_disabled: true },
    ...(row === undefined ? {} : { reply_markup: { inline_keyboard: [row] } }),
  };
}

async function named<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw faultOf(error);
  }
}

/** What a failed call of grammY was. */
export function faultOf(error: unknown): TelegramFault {
  if (error instanceof GrammyError) {
    const { error_code: code, description, parameters } = error;
    return new TelegramFault(reasonOf(code, description), `${code} ${description}`, parameters.retry_after);
  }
  if (error instanceof HttpError) {
    // The message within names the whole address.
    const { code, type } = (error.error ?? {}) as { code?: unknown; type?: unknown };
    const late = /timed out after/.test(String((error.error as Error | undefined)?.message));
    if (late || code === "ETIMEDOUT") return new TelegramFault("timeout", "no answer in time");
    if (type === "invalid-json") return new TelegramFault("malformed", "the answer is not Telegram's");
    return new TelegramFault("unreachable", `no connection${typeof code === "string" ? ` (${code})` : ""}`);
  }
  return new TelegramFault("malformed", "the answer cannot be read");
}

function reasonOf(code: number, description: string): Reason {
  if (code === 409) return /webhook/.test(description) ? "webhook" : "conflict";
  if (code === 429) return "rate_limited";
  // 404: the path has no such bot, since what was given is no token at all.
  if (code === 401 || code === 404) return "token";
  return code >= 500 ? "telegram_error" : "refused";
}
