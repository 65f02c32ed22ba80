import type { Update } from "grammy/types";
import { log } from "../../exporter/src/log.ts";
import { answer, noted, REFUSAL, type Sources, waits } from "./answers.ts";
import { type Received, received } from "./asked.ts";
import type { Entry, Inbox, Part } from "./inbox.ts";
import { type MemoryServer, NotNow } from "./memory.ts";
import { backoffMs, Lanes, type Sleep } from "./patience.ts";
import { poll } from "./poller.ts";
import type { State } from "./state.ts";
import { type Telegram, TelegramFault } from "./telegram.ts";

export interface BotOptions {
  telegram: Telegram;
  memory: MemoryServer;
  inbox: Inbox;
  state: State;
  /** Memory user of each person who may use the bot. */
  users: ReadonlyMap<number, string>;
  plainMessages: boolean;
  /** For how long the server knows an Idempotency-Key, in hours. */
  keyHours: number;
  sleep: Sleep;
}

/** An answer that takes longer is announced: whoever writes is to see at once that it came. */
const NOTED_AFTER_MS = 100;
/** The server tells how long it is away at most, and is often back sooner. */
const MOST_MS = 10_000;
const MOST_TELEGRAM_MS = 60_000;
/** A wait longer than this many tries is told, with its reason. */
const TRIES_UNTOLD = 3;
/** Strangers who were told off, while the bot runs: nothing of theirs is kept on disk. */
const STRANGERS = 10_000;

/** What is answered at once, whatever of the same person's waits for the memory. */
const AT_ONCE: readonly string[] = ["start", "help", "status", "unclear"];

/** The bot: takes what people send, does it in the order in which each sent it, and answers. */
export class Bot {
  readonly #options: BotOptions;
  readonly #sources: Sources;
  readonly #lanes = new Lanes();
  readonly #stopping = new AbortController();
  readonly #strangers = new Set<number>();
  /** Announcements under way, by entry: an answer waits for its own. */
  readonly #announcing = new Map<number, { unneeded: AbortController; ended: Promise<void> }>();
  /** Until when Telegram takes no more for a person. */
  readonly #quietUntil = new Map<number, number>();
  #polling: Promise<void> | undefined;

  constructor(options: BotOptions) {
    this.#options = options;
    const { memory, inbox, keyHours } = options;
    const keyLastsMs = keyHours * 3_600_000;
    this.#sources = { memory, inbox, keyLastsMs, ownStatus: (person) => this.#ownStatus(person) };
  }

  /** Goes on with what is waiting, and begins to ask for more. */
  start(): void {
    const { inbox, users, state, telegram, sleep } = this.#options;
    const dropped = inbox.keepOnly(users.keys());
    if (dropped > 0) log("warning", "dropped what people had sent who are no longer users", { dropped });
    for (const entry of inbox.waiting()) this.#begin(entry);
    const take = (updates: readonly Update[], username: string) => this.#take(updates, username);
    this.#polling = poll({ telegram, state, sleep, take }, this.#stopping.signal);
  }

  /** Ends without waiting for what has to wait: it is in the inbox. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { unneeded } of this.#announcing.values()) unneeded.abort();
    await this.#polling?.catch(() => {});
    await this.#lanes.idle();
  }

  #take(updates: readonly Update[], username: string): void {
    const { inbox, users, plainMessages, telegram, state } = this.#options;
    const manner = { username, plainMessages };
    const all = updates.map((update) => received(update, manner)).filter((one) => one !== undefined);
    // Others would read along in a group.
    const asked = all.filter(({ isPrivate }) => isPrivate);
    const wanted = asked.filter(({ person }) => users.has(person));
    const userOf = (person: number) => users.get(person) ?? "";
    const entries = inbox.take(telegram.botId, wanted, userOf, Date.now());
    for (const { callback } of wanted) {
      // Best effort: it is only for the wait that the button shows.
      if (callback !== undefined) telegram.pressed(callback).catch(() => {});
    }
    for (const entry of entries) {
      state.received(entry.asked.kind);
      this.#begin(entry);
    }
    for (const stranger of asked.filter(({ person }) => !users.has(person))) this.#refuse(stranger);
  }

  /** Once a person, and only while there is room to know whom: a flood gets no answers. */
  #refuse({ person, chat }: Received): void {
    const { telegram, state } = this.#options;
    state.received("stranger");
    if (this.#strangers.has(person) || this.#strangers.size >= STRANGERS) return;
    this.#strangers.add(person);
    for (const part of REFUSAL) telegram.send(chat, part, undefined).catch(() => {});
  }

  #begin(entry: Entry): void {
    if (entry.reply !== undefined) {
      this.#lanes.add(sayLane(entry), () => this.#say(entry));
      return;
    }
    if (entry.noted === undefined && !AT_ONCE.includes(entry.asked.kind)) {
      const unneeded = new AbortController();
      const ended = this.#announce(entry, unneeded.signal).finally(() => this.#announcing.delete(entry.seq));
      this.#announcing.set(entry.seq, { unneeded, ended });
    }
    const lane = AT_ONCE.includes(entry.asked.kind) ? `at once ${entry.person}` : `work ${entry.person}`;
    this.#lanes.add(lane, () => this.#work(entry));
  }

  /** Says that it came, unless the answer is there by then. Not worth a second try: the answer itself follows. */
  async #announce(entry: Entry, unneeded: AbortSignal): Promise<void> {
    const { telegram, inbox, sleep } = this.#options;
    try {
      await sleep(NOTED_AFTER_MS, unneeded);
      if (Date.now() < (this.#quietUntil.get(entry.person) ?? 0)) return;
      const part = { html: noted(entry.asked) };
      entry.noted = await telegram.send(entry.person, part, entry.message);
      inbox.noted(entry.seq, entry.noted);
    } catch (error) {
      this.#leaveAlone(entry.person, error);
    }
  }

  /** What Telegram has refused to send for a while is not asked for again in that time by an announcement. */
  #leaveAlone(person: number, error: unknown): void {
    if (!(error instanceof TelegramFault) || error.retryAfter === undefined) return;
    this.#quietUntil.set(person, Date.now() + error.retryAfter * 1000);
  }

  /** Does what was asked, however long the memory server makes it wait. */
  async #work(entry: Entry): Promise<void> {
    const { inbox, state, sleep } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const { reply, outcome } = await answer(entry, this.#sources, Date.now());
        if (!AT_ONCE.includes(entry.asked.kind)) state.well("server");
        // An add gives the same answer again under its key: a write less to the disk that somebody waits for.
        if (entry.asked.kind !== "remember") inbox.replied(entry.seq, reply);
        state.ended(outcome);
        entry.reply = reply;
        this.#lanes.add(sayLane(entry), () => this.#say(entry));
        return;
      } catch (error) {
        const fault = error instanceof NotNow ? error : undefined;
        state.failed(fault === undefined ? "inbox" : "server", error);
        if (fault !== undefined && attempt === TRIES_UNTOLD) await this.#explain(entry, fault);
        const wanted = Math.min(fault?.retryAfter ?? 0, MOST_MS / 1000);
        await sleep(backoffMs(attempt, MOST_MS, wanted), signal).catch(() => {});
      }
    }
  }

  /** Tells in the announcement why it takes so long. */
  async #explain(entry: Entry, fault: NotNow): Promise<void> {
    await this.#announcing.get(entry.seq)?.ended;
    if (entry.noted === undefined) return;
    await this.#options.telegram.edit(entry.person, entry.noted, { html: waits(fault) }).catch(() => {});
  }

  /** Sends the answer, or what of it was not sent yet. */
  async #say(entry: Entry): Promise<void> {
    const { inbox, state, sleep } = this.#options;
    const { signal } = this.#stopping;
    const announcing = this.#announcing.get(entry.seq);
    announcing?.unneeded.abort();
    await announcing?.ended;
    for (let attempt = 0; !signal.aborted; ) {
      try {
        const part = entry.reply?.[entry.said];
        if (part === undefined) {
          inbox.done(entry.seq);
          state.well("inbox");
          return;
        }
        await this.#sayPart(entry, part);
        entry.said += 1;
        inbox.said(entry.seq, entry.said);
        attempt = 0;
      } catch (error) {
        if (error instanceof TelegramFault && !error.passes) {
          // Blocked, or a chat that is gone. What was asked for is done.
          log("warning", "an answer was not taken", { reason: error.message });
          state.ended("undelivered");
          entry.said = Number.POSITIVE_INFINITY;
          continue;
        }
        state.failed(error instanceof TelegramFault ? "telegram" : "inbox", error);
        this.#leaveAlone(entry.person, error);
        const retryAfter = error instanceof TelegramFault ? error.retryAfter : undefined;
        await sleep(backoffMs(attempt, MOST_TELEGRAM_MS, retryAfter), signal).catch(() => {});
        attempt += 1;
      }
    }
  }

  async #sayPart({ person, noted: announced, message, said }: Entry, part: Part): Promise<void> {
    const { telegram } = this.#options;
    // In a private chat the chat is the person.
    if (said === 0 && announced !== undefined && (await telegram.edit(person, announced, part))) return;
    await telegram.send(person, part, said === 0 ? message : undefined);
  }

  #ownStatus(person: number): string[] {
    const { inbox, state } = this.#options;
    // This message itself is waiting too.
    const waiting = inbox.waitingOf(person) - 1;
    const { telegram, inbox: disk } = state.told();
    return [
      waiting > 0 ? `Of yours ${waiting} wait for the memory.` : "Nothing of yours is waiting.",
      ...(telegram.ok ? [] : [`Telegram: ${telegram.reason}.`]),
      ...(disk.ok ? [] : ["My disk does not take anything: what you send stays with Telegram for a day."]),
    ];
  }
}

function sayLane({ person }: Entry): string {
  return `say ${person}`;
}
