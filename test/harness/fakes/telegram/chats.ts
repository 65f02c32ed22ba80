import type { Message } from "grammy/types";
import { z } from "zod";
import { shownText } from "./html.ts";
import { Refusal } from "./refusal.ts";

const keyboard = z.strictObject({
  inline_keyboard: z.array(z.array(z.strictObject({ text: z.string().min(1), callback_data: z.string() }))),
});

const content = {
  text: z.string().default(""),
  parse_mode: z.enum(["HTML"]).optional(),
  link_preview_options: z.strictObject({ is_disabled: z.boolean() }).optional(),
  reply_markup: keyboard.optional(),
};

/** Parameters that the bot uses; any other is refused, which Telegram would pass over. */
export const sendMessage = z.strictObject({
  ...content,
  chat_id: z.number(),
  reply_parameters: z
    .strictObject({ message_id: z.number(), allow_sending_without_reply: z.boolean() })
    .optional(),
});
export const editMessageText = z.strictObject({ ...content, chat_id: z.number(), message_id: z.number() });

type Content = Pick<z.output<typeof sendMessage>, "text" | "parse_mode" | "reply_markup">;

/** A message as it stands in a chat. */
export interface Shown {
  id: number;
  from: "bot" | "person";
  /** As a person sees it. */
  text: string;
  buttons: { text: string; data: string }[];
  replyTo: number | undefined;
  /** How often it was edited. */
  edits: number;
}

interface Chat {
  messages: Shown[];
  blocked: boolean;
}

/** The bot's private chats. A bot may write to nobody who has not written to it. */
export class Chats {
  readonly #chats = new Map<number, Chat>();
  #nextMessage = 100;

  of(person: number): Chat {
    const chat = this.#chats.get(person) ?? { messages: [], blocked: false };
    this.#chats.set(person, chat);
    return chat;
  }

  add(person: number, message: Omit<Shown, "id" | "edits">): Shown {
    const shown = { ...message, id: this.#nextMessage++, edits: 0 };
    this.of(person).messages.push(shown);
    return shown;
  }

  send(parameters: z.output<typeof sendMessage>): Pick<Message, "message_id" | "date" | "chat"> {
    const { chat_id: person, reply_parameters: reply } = parameters;
    this.#open(person);
    const shown = shownContent(parameters);
    const { id } = this.add(person, { ...shown, from: "bot", replyTo: reply?.message_id });
    return sent(person, id);
  }

  edit(parameters: z.output<typeof editMessageText>): Pick<Message, "message_id" | "date" | "chat"> {
    const { chat_id: person, message_id: id } = parameters;
    const found = this.#open(person).messages.find((message) => message.id === id);
    if (found === undefined) throw new Refusal(400, "Bad Request: message to edit not found");
    if (found.from !== "bot") throw new Refusal(400, "Bad Request: message can't be edited");
    const shown = shownContent(parameters);
    if (shown.text === found.text && JSON.stringify(shown.buttons) === JSON.stringify(found.buttons)) {
      throw new Refusal(
        400,
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
      );
    }
    Object.assign(found, shown, { edits: found.edits + 1 });
    return sent(person, id);
  }

  #open(person: number): Chat {
    const chat = this.#chats.get(person);
    if (chat === undefined) throw new Refusal(400, "Bad Request: chat not found");
    if (chat.blocked) throw new Refusal(403, "Forbidden: bot was blocked by the user");
    return chat;
  }
}

function sent(person: number, id: number) {
  const chat = { id: person, type: "private" as const, first_name: "Somebody" };
  return { message_id: id, date: Math.floor(Date.now() / 1000), chat };
}

function shownContent({ text, parse_mode: mode, reply_markup: markup }: Content) {
  const shown = mode === "HTML" ? shownText(text) : text.trim();
  if (shown === "") throw new Refusal(400, "Bad Request: message text is empty");
  if ([...shown].length > 4096) throw new Refusal(400, "Bad Request: message is too long");
  const buttons = (markup?.inline_keyboard ?? []).flat().map(({ text: label, callback_data: data }) => {
    const bytes = Buffer.byteLength(data);
    if (bytes < 1 || bytes > 64) throw new Refusal(400, "Bad Request: BUTTON_DATA_INVALID");
    return { text: label, data };
  });
  return { text: shown, buttons };
}
