import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { FakeTelegram } from "../../../harness/fakes/telegram/server.ts";
import { botEnvironment, botRounds, startBot } from "../../../harness/rounds/bot-rounds.ts";
import { MemoryStandIn } from "../../../harness/support/memory-stand-in.ts";
import { until } from "./running-bot.ts";

test("a bot that is killed again and again stores each message once, and answers it", async () => {
  await botRounds({ messages: 40, kills: 4, seed: 20, report: () => {} });
});

test("a bot whose disk is full leaves with Telegram what it cannot keep, and says so; nothing is lost or doubled", async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-bot-full-"));
  const telegram = await FakeTelegram.start();
  const memory = await MemoryStandIn.start();
  const env = botEnvironment(directory, telegram, memory);
  const texts = Array.from({ length: 40 }, (_, index) => `${index} ${"x".repeat(3_000)}`);
  memory.pausedSeconds = 60;
  let bot = startBot(env, 64);
  try {
    for (const text of texts) telegram.say(5001, `/remember ${text}`);
    await until(() => bot.logged().includes("inbox fails"));
    expect(bot.logged()).toMatch(/"message":"inbox fails","reason":"disk"/);
    expect(telegram.updates.unconfirmed).toBeGreaterThan(0);

    await bot.kill();
    memory.pausedSeconds = 0;
    bot = startBot(env);
    await until(() => memory.memories.length >= texts.length && telegram.updates.unconfirmed === 0);
    expect(memory.textsOf("anna")).toEqual(texts);
  } finally {
    await bot.kill();
    await Promise.all([telegram.down(), memory.down()]);
    rmSync(directory, { recursive: true });
  }
});
