import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import type { Message } from "grammy/types";
import { z } from "zod";
import { Chats, editMessageText, type Shown, sendMessage } from "./chats.ts";
import { Refusal } from "./refusal.ts";
import { Updates } from "./updates.ts";

const getUpdates = z.strictObject({
  offset: z.int().optional(),
  limit: z.int().optional(),
  timeout: z.int().optional(),
  allowed_updates: z.array(z.enum(["message", "callback_query"])).optional(),
});
const answerCallbackQuery = z.strictObject({ callback_query_id: z.string() });
const setMyCommands = z.strictObject({
  commands: z
    .array(
      z.strictObject({
        command: z.string().regex(/^[a-z0-9_]{1,32}$/),
        description: z.string().min(1).max(256),
      }),
    )
    .max(100),
});
const deleteWebhook = z.strictObject({ drop_pending_updates: z.boolean().optional() });

/** What goes wrong with the next calls of a method. */
interface Trouble {
  method: string;
  times: number;
  answer: Refusal | "hang" | "reset" | "not-telegram";
}

/** What a person sends beside the text. */
export interface Said {
  replyTo?: number;
  /** A group, where others read along. */
  group?: boolean;
  caption?: boolean;
}

/**
 * Telegram's Bot API as core.telegram.org/bots/api describes it, for one bot and the methods that ours uses, with the
 * answers, limits and refusals of the real one. It has real long polls, and goes wrong when a test says so.
 */
export class FakeTelegram {
  readonly token = "730000001:AAtests-of-mem0_and_of_nothing_else";
  readonly username = "mem0_of_the_tests_bot";
  readonly updates = new Updates();
  /** Method of each call that was answered or refused, in order. */
  readonly calls: string[] = [];
  /** What the bot said it can do. */
  commands: { command: string; description: string }[] = [];
  /** Seconds between two messages of one chat, beyond which Telegram refuses; 0: it takes all. */
  secondsBetweenMessages = 0;
  readonly #chats = new Chats();
  readonly #callbacks = new Set<string>();
  readonly #lastSent = new Map<number, number>();
  readonly #server: Server;
  #troubles: Trouble[] = [];
  #port = 0;
  #nextCallback = 1;

  private constructor() {
    this.#server = createServer((request, response) => void this.#respond(request, response));
  }

  /** @param host address to listen on: another than loopback for bots in containers */
  static async start(host = "127.0.0.1"): Promise<FakeTelegram> {
    const fake = new FakeTelegram();
    await fake.#listen(host);
    return fake;
  }

  /** What a bot is told as the address of the Bot API. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Nothing is answered any more, and what is open breaks off. The queue stays. */
  async down(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  up(): Promise<void> {
    return this.#listen("127.0.0.1");
  }

  /** Lets the next `times` calls of a method go wrong. */
  trouble(method: string, answer: Trouble["answer"], times = 1): void {
    this.#troubles.push({ method, answer, times });
  }

  /** A person writes to the bot. */
  say(person: number, text: string, { replyTo, group = false, caption = false }: Said = {}): Shown {
    const shown = this.#chats.add(person, { from: "person", text, buttons: [], replyTo });
    const answered = this.messages(person).find(({ id }) => id === replyTo);
    const message = {
      message_id: shown.id,
      date: Math.floor(this.updates.now() / 1000),
      from: { id: person, is_bot: false, first_name: "Somebody" },
      chat: group
        ? { id: -100_000 - person, type: "supergroup", title: "A group" }
        : { id: person, type: "private", first_name: "Somebody" },
      ...(caption ? { caption: text } : { text }),
      ...(answered === undefined
        ? {}
        : { reply_to_message: { message_id: answered.id, date: 0, text: answered.text } }),
    };
    this.updates.add({ message: message as unknown as Message & never });
    return shown;
  }

  /** A person presses a button of the bot's. @returns the press' id */
  press(person: number, message: number, label: string): string {
    const found = this.messages(person).find(({ id }) => id === message);
    const button = found?.buttons.find(({ text }) => text === label);
    if (button === undefined) throw new Error(`no button "${label}" below message ${message}`);
    const id = `${this.#nextCallback++}`;
    this.#callbacks.add(id);
    this.updates.add({
      callback_query: {
        id,
        from: { id: person, is_bot: false, first_name: "Somebody" },
        chat_instance: "1",
        data: button.data,
        message: {
          message_id: message,
          date: 1,
          chat: { id: person, type: "private", first_name: "Somebody" },
        },
      } as never,
    });
    return id;
  }

  /** Whether a press was answered, so that its button waits no longer. */
  wasAnswered(press: string): boolean {
    return !this.#callbacks.has(press);
  }

  /** All messages of a private chat, as they stand. */
  messages(person: number): readonly Shown[] {
    return this.#chats.of(person).messages;
  }

  /** What the bot has said to a person, as it stands. */
  answers(person: number): string[] {
    return this.messages(person)
      .filter(({ from }) => from === "bot")
      .map(({ text }) => text);
  }

  /** A person deletes a message for both sides. */
  erase(person: number, message: number): void {
    const chat = this.#chats.of(person);
    chat.messages = chat.messages.filter(({ id }) => id !== message);
  }

  block(person: number): void {
    this.#chats.of(person).blocked = true;
  }

  async #listen(host: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#port, host, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const [, token, method = ""] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? "") ?? [];
    this.calls.push(method);
    const answer = (status: number, body: object) => {
      if (response.destroyed) return;
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      const parameters: unknown = JSON.parse((await textOf(request)) || "{}");
      if (this.#goesWrong(method, response)) return;
      this.#requireToken(token);
      answer(200, { ok: true, result: await this.#call(method, parameters, gone.signal) });
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(400, `Bad Request: ${String(error)}`);
      const { status, message: description, retryAfter } = refusal;
      const parameters = retryAfter === undefined ? {} : { parameters: { retry_after: retryAfter } };
      answer(status, { ok: false, error_code: status, description, ...parameters });
    }
  }

  /** What is no token at all has no such path; a token that looks like one is not let in. */
  #requireToken(token: string | undefined): void {
    if (token === this.token) return;
    if (!/^\d+:[\w-]{35}$/.test(token ?? "")) throw new Refusal(404, "Not Found");
    throw new Refusal(401, "Unauthorized");
  }

  /** @throws Refusal where that is what goes wrong */
  #goesWrong(method: string, response: ServerResponse): boolean {
    const trouble = this.#troubles.find(({ method: of }) => of === method);
    if (trouble === undefined) return false;
    trouble.times -= 1;
    this.#troubles = this.#troubles.filter(({ times }) => times > 0);
    if (trouble.answer instanceof Refusal) throw trouble.answer;
    if (trouble.answer === "reset") response.destroy();
    if (trouble.answer === "not-telegram")
      response.writeHead(200).end("<html>Please log in to this network</html>");
    return true;
  }

  #call(method: string, parameters: unknown, gone: AbortSignal): unknown {
    switch (method) {
      case "getMe":
        return {
          id: Number(this.token.split(":")[0]),
          is_bot: true,
          first_name: "mem0",
          username: this.username,
        };
      case "getUpdates":
        return this.updates.get(defined(getUpdates.parse(parameters)), gone);
      case "deleteWebhook":
        deleteWebhook.parse(parameters);
        this.updates.webhook = "";
        return true;
      case "setMyCommands":
        this.commands = setMyCommands.parse(parameters).commands;
        return true;
      case "sendMessage": {
        const message = sendMessage.parse(parameters);
        this.#requirePace(message.chat_id);
        return this.#chats.send(message);
      }
      case "editMessageText": {
        const message = editMessageText.parse(parameters);
        this.#requirePace(message.chat_id);
        return this.#chats.edit(message);
      }
      case "answerCallbackQuery": {
        const { callback_query_id: id } = answerCallbackQuery.parse(parameters);
        if (this.#callbacks.delete(id)) return true;
        const why = "query is too old and response timeout expired or query ID is invalid";
        throw new Refusal(400, `Bad Request: ${why}`);
      }
      default:
        throw new Refusal(404, "Not Found");
    }
  }

  #requirePace(chat: number): void {
    if (this.secondsBetweenMessages === 0) return;
    const wait = (this.#lastSent.get(chat) ?? 0) + this.secondsBetweenMessages * 1000 - Date.now();
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1000);
      throw new Refusal(429, `Too Many Requests: retry after ${seconds}`, seconds);
    }
    this.#lastSent.set(chat, Date.now());
  }
}

function defined<T extends object>(values: T) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
