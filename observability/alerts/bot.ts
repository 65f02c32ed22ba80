import { equal, type Select } from "../promql.ts";
import { type Alert, MINUTE } from "./alert.ts";

/** Those of Telegram's refusals that no waiting ends. */
const FOR_A_PERSON = 'reason=~"token|conflict"';

/** Whether people can use the memory from Telegram. Telegram keeps what was not fetched for a day, and no longer. */
export function bot(of: Select): Alert[] {
  const polling = of("mem0_bot_polling");
  const refused = of("mem0_bot_fault", equal("peer", "telegram"), FOR_A_PERSON);
  const subject = {
    group: "telegram",
    section: "the-telegram-bot-does-not-answer",
    severity: "critical",
  } as const;
  return [
    {
      ...subject,
      name: "Mem0BotDown",
      value: of("mem0_bot_up"),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 2 * MINUTE,
      summary: "The Telegram bot does not answer",
      description: "mem0_bot_up is {value}: what is sent to it waits at Telegram, for a day at most.",
    },
    {
      ...subject,
      name: "Mem0BotRefused",
      value: refused,
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "state",
      holds: 2 * MINUTE,
      summary: "Telegram refuses the bot",
      description:
        "Telegram refuses the bot, reason {reason} (value {value}): conflict is a second program with its token, token a wrong one.",
    },
    {
      ...subject,
      name: "Mem0BotNotPolling",
      // A refusal is an alert of its own, and of the same cause.
      value: `(${polling} unless on (instance) (${refused} > 0))`,
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 10 * MINUTE,
      summary: "The Telegram bot gets nothing from Telegram",
      description:
        "mem0_bot_polling is {value}, and mem0_bot_fault has the reason: what is sent waits at Telegram, for a day at most.",
    },
    {
      ...subject,
      name: "Mem0BotInboxWaits",
      value: of("mem0_bot_waiting_oldest_seconds"),
      comparison: ">",
      threshold: 30 * MINUTE,
      also: [],
      unit: "seconds",
      holds: 5 * MINUTE,
      severity: "warning",
      summary: "What was sent to the Telegram bot is not done",
      description:
        "The oldest message in the bot's inbox has waited for {value}; nothing is lost, and mem0_bot_fault has the reason.",
    },
  ];
}
