import { parseArgs } from "node:util";
import { botRounds } from "./bot-rounds.ts";
import { OPTIONS } from "./options.ts";

/** Messages that people write between two kills. */
const MESSAGES_A_KILL = 10;

/** `./mem0 test rounds bot-kills --rounds 50 --seed 1`: kills the bot at random moments while people write to it. */
const { values } = parseArgs({ options: OPTIONS });
const [kills, seed] = [Number(values.rounds), Number(values.seed)];
const messages = kills * MESSAGES_A_KILL;
console.log(`${kills} kills during ${messages} messages, seed ${seed}`);
await botRounds({ messages, kills, seed, report: console.log });
console.log(
  `${kills} kills: each of ${messages} messages is stored once, in its person's order, and answered`,
);
