import { readFileSync } from "node:fs";
import { log } from "../../exporter/src/log.ts";
import { readSecret } from "../../exporter/src/secret.ts";
import { Bot } from "./bot.ts";
import { serve } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { MemoryServer } from "./memory.ts";
import { sleep } from "./patience.ts";
import { type Settings, settingsFrom } from "./settings.ts";
import { State } from "./state.ts";
import { Telegram } from "./telegram.ts";

/** Exit code of a program that was not told what it needs (EX_CONFIG of sysexits.h). */
const CONFIG = 78;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const settings = orEnd(() => settingsFrom(process.env));
const token = await readSecret(settings.tokenFile).catch((error: Error) => end(error));
const inbox = orEnd(() => new Inbox(settings.inboxFile));
const state = new State(inbox, version);
const memory = new MemoryServer(settings);
const telegram = new Telegram(token, settings.telegramUrl);
const bot = new Bot({ ...botSettings(settings), telegram, memory, inbox, state, sleep });
/** All interfaces of the container: none of its ports is published. */
const endpoint = await serve(state, settings.port, "0.0.0.0");
log("info", "listening", { port: endpoint.port, stack: settings.stack, users: settings.users.size });
bot.start();

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    log("info", "stopping", { signal });
    endpoint.close();
    // What is under way at another's place may take its time; it is in the inbox, and begun anew at the next start.
    setTimeout(() => process.exit(0), 5_000).unref();
    void bot.stop().then(() => {
      inbox.close();
      process.exit(0);
    });
  });
}

function botSettings({ users, plainMessages, keyHours }: Settings) {
  return { users, plainMessages, keyHours };
}

function orEnd<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    return end(error as Error);
  }
}

function end(error: Error): never {
  log("error", "the bot cannot start", { reason: error.message });
  process.exit(CONFIG);
}
