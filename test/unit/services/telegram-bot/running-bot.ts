import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Bot } from "../../../../services/telegram-bot/src/bot.ts";
import { Inbox } from "../../../../services/telegram-bot/src/inbox.ts";
import { MemoryServer } from "../../../../services/telegram-bot/src/memory.ts";
import { State } from "../../../../services/telegram-bot/src/state.ts";
import { Telegram } from "../../../../services/telegram-bot/src/telegram.ts";
import { FakeTelegram } from "../../../harness/fakes/telegram/server.ts";
import { MemoryStandIn } from "../../../harness/support/memory-stand-in.ts";

export const ANNA = 4001;
export const BEN = 4002;
export const STRANGER = 4666;

/** Waits are cut to this share. */
const HASTE = 0.02;

/** The bot's own parts in this process, between a fake of Telegram and a stand-in of the memory server. */
export class RunningBot {
  readonly directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bot-"));
  readonly telegram: FakeTelegram;
  readonly memory: MemoryStandIn;
  /** How long the bot was told to wait, in seconds, when it was longer than a moment. */
  readonly waits: number[] = [];
  users = new Map([
    [ANNA, "anna"],
    [BEN, "ben"],
  ]);
  plainMessages = false;
  keyHours = 24;
  token: string;
  /** As the bot's own, in seconds, for tests that wait for their end. */
  times = { poll: 25, beyond: 10, call: 15 };
  state!: State;
  inbox!: Inbox;
  #bot: Bot | undefined;

  private constructor(telegram: FakeTelegram, memory: MemoryStandIn) {
    this.telegram = telegram;
    this.memory = memory;
    this.token = telegram.token;
    writeFileSync(path.join(this.directory, "key"), `${memory.key}\n`);
  }

  static async prepared(): Promise<RunningBot> {
    return new RunningBot(await FakeTelegram.start(), await MemoryStandIn.start());
  }

  static async started(): Promise<RunningBot> {
    const running = await RunningBot.prepared();
    running.start();
    return running;
  }

  get inboxFile(): string {
    return path.join(this.directory, "inbox.db");
  }

  start(): void {
    this.inbox = new Inbox(this.inboxFile);
    this.state = new State(this.inbox, "1.2.3");
    const access = {
      serverUrl: this.memory.url,
      addSeconds: 5,
      apiKeyFile: path.join(this.directory, "key"),
    };
    this.#bot = new Bot({
      telegram: new Telegram(this.token, this.telegram.url, this.times),
      memory: new MemoryServer(access),
      inbox: this.inbox,
      state: this.state,
      users: this.users,
      plainMessages: this.plainMessages,
      keyHours: this.keyHours,
      sleep: async (milliseconds, signal) => {
        if (milliseconds > 1_000) this.waits.push(milliseconds / 1000);
        await delay(milliseconds * HASTE, undefined, { signal });
      },
    });
    this.#bot.start();
  }

  async stop(): Promise<void> {
    await this.#bot?.stop();
    this.#bot = undefined;
    this.inbox.close();
  }

  async remove(): Promise<void> {
    if (this.#bot !== undefined) await this.stop();
    await Promise.all([this.telegram.down(), this.memory.down()]);
    rmSync(this.directory, { recursive: true });
  }

  /** Says something and waits for what the bot makes of it. */
  async ask(person: number, text: string): Promise<string> {
    const before = this.telegram.answers(person).length;
    this.telegram.say(person, text);
    await until(() => this.telegram.answers(person).length > before && this.inbox.backlog().count === 0);
    return this.telegram.answers(person).slice(before).join("\n---\n");
  }
}

/** Waits until something holds; what never does is found by the test's own time-out. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
