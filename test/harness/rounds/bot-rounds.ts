import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { FakeTelegram } from "../fakes/telegram/server.ts";
import { waitFor } from "../support/eventually.ts";
import { MemoryStandIn } from "../support/memory-stand-in.ts";
import { seededRandom } from "../support/random.ts";

const MAIN = fileURLToPath(new URL("../../../services/telegram-bot/src/main.ts", import.meta.url));
const PEOPLE = new Map([
  [5001, "anna"],
  [5002, "ben"],
  [5003, "cleo"],
]);

export interface BotRounds {
  messages: number;
  kills: number;
  seed: number;
  report: (line: string) => void;
}

/**
 * Kills the bot's process at random moments while people write, and stops and pauses the memory server meanwhile.
 *
 * @throws when a message was stored never or twice, out of its person's order, or has no answer
 */
export async function botRounds({ messages, kills, seed, report }: BotRounds): Promise<void> {
  const random = seededRandom(seed);
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bot-kills-"));
  const telegram = await FakeTelegram.start();
  const memory = await MemoryStandIn.start();
  const env = botEnvironment(directory, telegram, memory);
  const sent = new Map<number, string[]>([...PEOPLE.keys()].map((person) => [person, []]));
  let bot = startBot(env);
  try {
    const perKill = Math.ceil(messages / kills);
    for (let count = 0; count < messages; count += 1) {
      const person = [...PEOPLE.keys()][Math.floor(random() * PEOPLE.size)] ?? 0;
      const text = `message ${count}`;
      telegram.say(person, `/remember ${text}`);
      sent.get(person)?.push(text);
      await delay(random() * 20);
      if (random() < 0.05) memory.lostAnswers += 1;
      if (count % perKill !== perKill - 1) continue;
      await disturb(memory, random);
      // Now and then while it starts; else in the midst of its work, however long the start takes on a busy machine.
      if (random() < 0.75)
        await waitFor("the bot to poll", async () => bot.logged().includes("authorized"), 60);
      await delay(random() * 600);
      await bot.kill();
      memory.pausedSeconds = 0;
      bot = startBot(env);
      report(`killed after ${count + 1} messages; ${memory.memories.length} stored`);
    }
    await waitFor("every message to be stored", async () => memory.memories.length >= messages, 120);
    await waitFor("every message to be answered", async () => unanswered(telegram, sent) === 0, 60);
    for (const [person, texts] of sent) {
      const stored = memory.textsOf(PEOPLE.get(person) ?? "");
      if (stored.join("\n") !== texts.join("\n"))
        throw new Error(`of ${person}, seed ${seed}: sent ${texts}; stored ${stored}`);
    }
  } finally {
    await bot.kill();
    await Promise.all([telegram.down(), memory.down()]);
    rmSync(directory, { recursive: true });
  }
}

/** Every third time the server is restarted, every third it is paused. */
async function disturb(memory: MemoryStandIn, random: () => number): Promise<void> {
  const which = Math.floor(random() * 3);
  if (which === 1) memory.pausedSeconds = 60;
  if (which !== 2) return;
  await memory.down();
  await delay(random() * 200);
  await memory.up();
}

function unanswered(telegram: FakeTelegram, sent: ReadonlyMap<number, string[]>): number {
  return [...sent].flatMap(([person, texts]) => {
    const answers = new Set(telegram.answers(person));
    return texts.filter((text) => !answers.has(`Remembered: ${text}`));
  }).length;
}

/** A process of the bot. */
export interface StartedBot {
  /** All that it has logged so far. */
  logged: () => string;
  /** At once, and returns when it is gone. */
  kill: () => Promise<void>;
}

/**
 * The bot's own process.
 *
 * @param fileKib beyond which no file of it may grow, as if the disk were full
 */
export function startBot(env: Record<string, string>, fileKib?: number): StartedBot {
  const program = [process.execPath, "--disable-warning=ExperimentalWarning", MAIN];
  const [file = "", ...args] =
    fileKib === undefined ? program : ["bash", "-c", `ulimit -f ${fileKib}; exec "$@"`, "bot", ...program];
  const bot = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(bot, "exit");
  let logged = "";
  bot.stdout.on("data", (chunk) => {
    logged += String(chunk);
  });
  return {
    logged: () => logged,
    kill: async () => {
      bot.kill("SIGKILL");
      await ended;
    },
  };
}

export function botEnvironment(
  directory: string,
  telegram: FakeTelegram,
  memory: MemoryStandIn,
): Record<string, string> {
  const file = (name: string, content: string) => {
    writeFileSync(path.join(directory, name), content);
    return path.join(directory, name);
  };
  return {
    PATH: process.env.PATH ?? "",
    NODE_COMPILE_CACHE: path.join(directory, "cache"),
    MEM0_STACK: "rounds",
    BOT_PORT: "0",
    SERVER_URL: memory.url,
    API_KEY_FILE: file("key", memory.key),
    TELEGRAM_TOKEN_FILE: file("token", telegram.token),
    TELEGRAM_URL: telegram.url,
    TELEGRAM_USERS: JSON.stringify(Object.fromEntries(PEOPLE)),
    INBOX_FILE: path.join(directory, "inbox", "inbox.db"),
  };
}
