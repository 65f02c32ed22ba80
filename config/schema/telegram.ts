import { z } from "zod";
import { TELEGRAM_URL } from "../manifest.ts";
import { baseUrl, userName } from "./kinds.ts";

/** Telegram's ids of people are whole numbers of at most 52 bits; those of groups are below 0. */
const person = z.string().regex(/^[1-9]\d{0,15}$/, "a person's id at Telegram: digits");

export const telegram = z
  .strictObject({
    users: z
      .record(person, userName)
      .refine((users) => Object.keys(users).length > 0, "at least one person")
      .meta({
        description:
          "Who may use the bot: the memory user of each person, by Telegram id (which @userinfobot tells, in quotes). Everybody else is turned away.",
        examples: [{ "123456789": "me" }],
      }),
    plainMessages: z
      .boolean()
      .default(false)
      .meta({ description: "Remember what is written without a command too." }),
    apiUrl: baseUrl
      .default(TELEGRAM_URL)
      .meta({ description: "Telegram's Bot API: another one for a Bot API server of your own." }),
  })
  .meta({
    description:
      "The Telegram bot. Left out: there is none. Needs the secret `mem0:telegramToken`; its key of the memory server is made, and bound to these users.",
  });

export const telegramToken = z
  .string()
  .regex(
    /^\d{5,16}:[\w-]{30,64}$/,
    "a bot's token as @BotFather tells it: digits, a colon, letters and digits",
  )
  .meta({ description: "Token of the Telegram bot, from @BotFather. Secret." });

export const telegramChat = z
  .string()
  .regex(/^(-?\d{1,16}|@[a-zA-Z]\w{4,31})$/, "a chat's id, or @ and the name of a channel")
  .meta({
    description:
      "Chat for alerts, kept as the secret file `telegram_chat` for what sends them; the bot does not read it. Secret.",
  });
