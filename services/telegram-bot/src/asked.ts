import type { CallbackQuery, Message, Update } from "grammy/types";

/** What a person wants, of all that a message can say. */
export type Asked =
  | { kind: "start" | "help" | "status" }
  | { kind: "remember" | "recall"; text: string }
  | { kind: "list"; page: number }
  /** By its number in what was shown last. */
  | { kind: "forget"; number: number }
  /** A press of a button below the question whether to forget. */
  | { kind: "confirmed"; memory: string }
  | { kind: "kept" }
  /** Nothing that can be done; the reply says what can. */
  | { kind: "unclear"; about: Unclear };

export type Unclear = "remember" | "recall" | "list" | "forget" | "command" | "plain" | "no-text";

/** One update, as far as the bot is concerned with it. */
export interface Received {
  updateId: number;
  /** Telegram id of the one who wrote or pressed. */
  person: number;
  /** In a private chat the chat has the person's id; elsewhere others would read along. */
  isPrivate: boolean;
  chat: number;
  /** Of the message, or of the one below which a button was pressed. */
  message: number;
  /** When it was sent, in seconds; together with `updateId` it names the update for good. */
  date: number;
  /** Of a press of a button: Telegram wants it answered within seconds. */
  callback?: string;
  asked: Asked;
}

export interface Manner {
  /** The bot's own name, without `@`. */
  username: string;
  plainMessages: boolean;
}

/** What the buttons below a question say, in at most 64 bytes. */
export const buttonData = {
  forget: (memory: string) => `forget:${memory}`,
  keep: "keep",
};

/** Reads an update; undefined for what no person has sent. */
export function received(update: Update, manner: Manner): Received | undefined {
  if (update.callback_query !== undefined) return pressed(update.update_id, update.callback_query);
  const { message } = update;
  if (message?.from === undefined || message.from.is_bot) return undefined;
  return {
    updateId: update.update_id,
    person: message.from.id,
    isPrivate: message.chat.type === "private",
    chat: message.chat.id,
    message: message.message_id,
    date: message.date,
    asked: asked(message, manner),
  };
}

function pressed(updateId: number, { id, from, data = "", message }: CallbackQuery): Received | undefined {
  if (message === undefined) return undefined;
  const memory = /^forget:([0-9a-f-]{36})$/.exec(data)?.[1];
  return {
    updateId,
    person: from.id,
    isPrivate: message.chat.type === "private",
    chat: message.chat.id,
    message: message.message_id,
    // A message that Telegram no longer shows has the date 0, which is as good a part of a name.
    date: message.date,
    callback: id,
    asked: memory === undefined ? { kind: "kept" } : { kind: "confirmed", memory },
  };
}

const COMMAND = /^\/([a-z_]+)(?:@(\w+))?(?:\s+([\s\S]*))?$/i;

function asked(message: Message, { username, plainMessages }: Manner): Asked {
  const text = textOf(message);
  if (text === "") return { kind: "unclear", about: "no-text" };
  if (!text.startsWith("/")) {
    return plainMessages ? { kind: "remember", text } : { kind: "unclear", about: "plain" };
  }
  const [, command = "", addressee = username, rest = ""] = COMMAND.exec(text) ?? [];
  if (addressee.toLowerCase() !== username.toLowerCase()) return { kind: "unclear", about: "command" };
  return commanded(command.toLowerCase(), rest.trim(), message);
}

function commanded(command: string, rest: string, message: Message): Asked {
  switch (command) {
    case "start":
    case "help":
    case "status":
      return { kind: command };
    case "remember": {
      const text = rest === "" ? textOf(message.reply_to_message) : rest;
      return text === "" ? { kind: "unclear", about: "remember" } : { kind: "remember", text };
    }
    case "recall":
      return rest === "" ? { kind: "unclear", about: "recall" } : { kind: "recall", text: rest };
    case "list": {
      const page = wholeNumber(rest === "" ? "1" : rest);
      return page === undefined ? { kind: "unclear", about: "list" } : { kind: "list", page };
    }
    case "forget": {
      const number = wholeNumber(rest);
      return number === undefined ? { kind: "unclear", about: "forget" } : { kind: "forget", number };
    }
    default:
      return { kind: "unclear", about: "command" };
  }
}

function textOf(message: Pick<Message, "text" | "caption"> | undefined): string {
  return (message?.text ?? message?.caption ?? "").trim();
}

function wholeNumber(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined;
}
