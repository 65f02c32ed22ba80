import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../../../harness/fakes/telegram/refusal.ts";
import { problem } from "../../../harness/support/memory-stand-in.ts";
import { ANNA, BEN, RunningBot, STRANGER, until } from "./running-bot.ts";

let bot: RunningBot;

beforeEach(async () => {
  bot = await RunningBot.started();
});

afterEach(() => bot.remove());

describe("somebody who may use the bot", () => {
  it("is greeted, and told what it can do", async () => {
    expect(await bot.ask(ANNA, "/start")).toMatch(/memories of anna[\s\S]*\/remember/);
    expect(await bot.ask(ANNA, "/help")).toMatch(/\/recall[\s\S]*\/forget/);
    expect(bot.telegram.commands.map(({ command }) => command)).toContain("remember");
  });

  it("remembers a text and recalls it, with its date and likeness in words", async () => {
    expect(await bot.ask(ANNA, "/remember I keep bees on the roof")).toBe(
      "Remembered: I keep bees on the roof",
    );
    expect(bot.memory.textsOf("anna")).toEqual(["I keep bees on the roof"]);
    const today = new Date().toISOString().slice(0, 10);
    expect(await bot.ask(ANNA, "/recall where are my bees?")).toBe(
      `1. I keep bees on the roof\n${today} · related`,
    );
  });

  it("remembers the message that /remember answers", async () => {
    const { id } = bot.telegram.say(ANNA, "The spare key is under the pot");
    await until(() => bot.telegram.answers(ANNA).length === 1);
    bot.telegram.say(ANNA, "/remember", { replyTo: id });
    await until(() => bot.memory.textsOf("anna").length === 1);
    expect(bot.memory.textsOf("anna")).toEqual(["The spare key is under the pot"]);
  });

  it("has marks and ampersands shown as they were written", async () => {
    const text = "a < b && c > d <b>not bold</b> &amp;";
    expect(await bot.ask(ANNA, `/remember ${text}`)).toBe(`Remembered: ${text}`);
    expect(await bot.ask(ANNA, "/list")).toContain(text);
  });

  it("has a plain message remembered only when the setting says so", async () => {
    expect(await bot.ask(ANNA, "My car is blue")).toMatch(/only what follows \/remember/);
    await bot.stop();
    bot.plainMessages = true;
    bot.start();
    expect(await bot.ask(ANNA, "My car is blue")).toBe("Remembered: My car is blue");
  });

  it("gets a long answer in as few messages as it takes, each below Telegram's limit", async () => {
    const texts = Array.from({ length: 8 }, (_, index) => `${index} ${"& <word> ".repeat(200)}end ${index}`);
    for (const memory of texts)
      bot.memory.memories.push({
        id: crypto.randomUUID(),
        memory,
        user_id: "anna",
        created_at: "2024-05-01",
      });
    const answer = await bot.ask(ANNA, "/list");
    const parts = answer.split("\n---\n");
    expect(parts.length).toBe(4);
    for (const part of parts) expect([...part].length).toBeLessThanOrEqual(4096);
    for (const text of texts) expect(answer).toContain(text);
  });

  it("turns the pages of a list", async () => {
    for (let index = 1; index <= 45; index += 1)
      bot.memory.memories.push({
        id: crypto.randomUUID(),
        memory: `number ${index}`,
        user_id: "anna",
        created_at: "2024-05-01",
      });
    expect(await bot.ask(ANNA, "/list")).toMatch(/^1\. number 45[\s\S]*1 to 20 of 45; the next: \/list 2$/);
    expect(await bot.ask(ANNA, "/list 3")).toMatch(/^41\. number 5[\s\S]*41 to 45 of 45$/);
    expect(await bot.ask(ANNA, "/list 4")).toBe("There are 45 memories, and no page 4 of them.");
  });

  it("forgets one by its number, after a question", async () => {
    await bot.ask(ANNA, "/remember I keep bees");
    await bot.ask(ANNA, "/remember I keep goats");
    await bot.ask(ANNA, "/list");
    expect(await bot.ask(ANNA, "/forget 2")).toBe("Forget this for good?\n\nI keep bees");
    expect(bot.memory.textsOf("anna")).toHaveLength(2);
    const question = bot.telegram.messages(ANNA).at(-1);
    const press = bot.telegram.press(ANNA, question?.id ?? 0, "Forget it");
    await until(() => bot.telegram.answers(ANNA).at(-1) === "Forgotten: I keep bees");
    expect(bot.telegram.wasAnswered(press)).toBe(true);
    expect(bot.telegram.messages(ANNA).at(-1)?.buttons).toEqual([]);
    expect(bot.memory.textsOf("anna")).toEqual(["I keep goats"]);
  });

  it("keeps what it does not confirm, and is told of a number that was not shown", async () => {
    await bot.ask(ANNA, "/remember I keep bees");
    expect(await bot.ask(ANNA, "/forget 7")).toMatch(/shown you no 7/);
    expect(await bot.ask(ANNA, "/forget bees")).toMatch(/Which one\?/);
    await bot.ask(ANNA, "/recall bees");
    await bot.ask(ANNA, "/forget 1");
    bot.telegram.press(ANNA, bot.telegram.messages(ANNA).at(-1)?.id ?? 0, "Keep it");
    await until(() => bot.telegram.answers(ANNA).at(-1) === "Kept. Nothing was changed.");
    expect(bot.memory.textsOf("anna")).toEqual(["I keep bees"]);
  });

  it("reaches nobody else's memories, not even by their id", async () => {
    await bot.ask(BEN, "/remember I am Ben's secret");
    const [secret] = bot.memory.memories;
    bot.inbox.show(ANNA, [secret?.id ?? ""], 1);
    expect(await bot.ask(ANNA, "/forget 1")).toMatch(/shown you no 1/);
    expect(await bot.ask(ANNA, "/recall secret")).toMatch(/nothing to recall/);
    expect(bot.memory.textsOf("ben")).toHaveLength(1);
  });

  it("is told what the server refuses, and nothing is tried again", async () => {
    bot.memory.refusal = problem(422, "text: is <too> long");
    expect(await bot.ask(ANNA, "/remember something")).toBe("That cannot be done: text: is <too> long");
    expect(await bot.ask(ANNA, "/nonsense")).toMatch(/do not know that/);
  });

  it("is told how the memory is, while it waits too", async () => {
    expect(await bot.ask(ANNA, "/status")).toBe(
      "The memory is ready. It holds 0 memories of anna.\nNothing of yours is waiting.",
    );
    await bot.memory.down();
    bot.telegram.say(ANNA, "/remember I wait");
    bot.telegram.say(ANNA, "/status");
    await until(() => bot.telegram.answers(ANNA).some((text) => /cannot be reached/.test(text)));
    expect(bot.telegram.answers(ANNA).join()).toMatch(/Of yours 1 wait for the memory/);
    await bot.memory.up();
  });
});

describe("everybody else", () => {
  it("gets one polite refusal, and nothing of theirs is stored", async () => {
    bot.telegram.say(STRANGER, "/start");
    bot.telegram.say(STRANGER, "/remember my secret");
    bot.telegram.say(STRANGER, "/recall anything");
    await bot.ask(ANNA, "/help");
    await until(() => bot.telegram.answers(STRANGER).length > 0);
    expect(bot.telegram.answers(STRANGER)).toEqual([expect.stringMatching(/cannot help you/)]);
    expect(bot.memory.memories).toEqual([]);
    expect(readFileSync(bot.inboxFile, "latin1")).not.toMatch(/secret|4666/);
    expect(bot.inbox.backlog().count).toBe(0);
  });

  it("and who reads along in a group, sees no memories of anybody", async () => {
    bot.telegram.say(ANNA, "/list", { group: true });
    bot.telegram.say(STRANGER, "/list", { group: true });
    await bot.ask(ANNA, "/help");
    expect(bot.telegram.answers(ANNA)).toHaveLength(1);
    expect(bot.telegram.answers(STRANGER)).toEqual([]);
  });

  it("who was a user before has nothing done any more", async () => {
    await bot.memory.down();
    bot.telegram.say(BEN, "/remember too late");
    await until(() => bot.inbox.backlog().count === 1);
    await bot.stop();
    bot.users = new Map([[ANNA, "anna"]]);
    await bot.memory.up();
    bot.start();
    await bot.ask(ANNA, "/help");
    expect(bot.memory.memories).toEqual([]);
  });
});

describe("while the memory server does not do its part", () => {
  it.each([
    ["is down", () => bot.memory.down(), () => bot.memory.up(), /cannot be reached/],
    [
      "is paused",
      async () => {
        bot.memory.pausedSeconds = 300;
      },
      async () => {
        bot.memory.pausedSeconds = 0;
      },
      /paused or starting/,
    ],
    [
      "refuses the key",
      async () => {
        bot.memory.refusal = problem(403, "not yours");
      },
      async () => {
        bot.memory.refusal = undefined;
      },
      /does not accept my key/,
    ],
    [
      "has no model",
      async () => {
        bot.memory.refusal = problem(502, "The model failed");
      },
      async () => {
        bot.memory.refusal = undefined;
      },
      /model behind the memory/,
    ],
  ])(
    "because it %s, what was sent is noted, and the note becomes the answer",
    async (_, stop, start, why) => {
      await stop();
      bot.telegram.say(ANNA, "/remember first");
      bot.telegram.say(ANNA, "/remember second");
      bot.telegram.say(ANNA, "/recall first");
      await until(() => bot.telegram.answers(ANNA).length === 3);
      await until(() => bot.telegram.answers(ANNA).some((text) => why.test(text)));
      expect(bot.memory.memories).toEqual([]);
      expect(bot.state.told().server.ok).toBe(false);
      await start();
      await until(() => bot.inbox.backlog().count === 0);
      expect(bot.telegram.answers(ANNA)).toEqual([
        "Remembered: first",
        "Remembered: second",
        expect.stringMatching(/^1\. first/),
      ]);
      expect(bot.memory.textsOf("anna")).toEqual(["first", "second"]);
      expect(bot.state.told().ready).toBe(true);
      // However long the server says that it is away, it is asked again soon.
      expect(Math.max(0, ...bot.waits)).toBeLessThanOrEqual(10);
    },
  );

  it("because its answer was lost, nothing is stored twice", async () => {
    bot.memory.lostAnswers = 3;
    expect(await bot.ask(ANNA, "/remember once")).toMatch(/Remembered: once/);
    expect(bot.memory.adds).toBe(4);
    expect(bot.memory.textsOf("anna")).toEqual(["once"]);
  });

  it("for longer than it knows an Idempotency-Key, nothing is stored again, and the person is told", async () => {
    bot.keyHours = 2;
    await bot.stop();
    bot.start();
    bot.memory.lostAnswers = 1;
    bot.memory.refusal = problem(503, "Writes are paused for maintenance.");
    bot.telegram.say(ANNA, "/remember perhaps");
    await until(() => bot.inbox.backlog().count === 1);
    await bot.stop();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 + 1 });
    bot.memory.refusal = undefined;
    bot.start();
    await until(() => bot.telegram.answers(ANNA).some((text) => /send it again: perhaps/.test(text)));
    vi.useRealTimers();
    expect(bot.memory.memories).toEqual([]);
    expect(await bot.state.render()).toContain('mem0_bot_outcomes_total{outcome="unknown"} 1');
  });

  it("for one person, nobody else waits", async () => {
    const added = Promise.withResolvers<void>();
    bot.memory.held = added.promise;
    bot.telegram.say(ANNA, "/remember slow");
    await until(() => bot.telegram.answers(ANNA).length === 1);
    bot.telegram.say(BEN, "/list");
    await until(() => bot.telegram.answers(BEN).at(-1)?.includes("no memories yet") === true);
    expect(bot.telegram.answers(ANNA)).toEqual(["Noted …"]);
    added.resolve();
    await until(() => bot.telegram.answers(ANNA)[0] === "Remembered: slow");
  });
});

describe("while Telegram does not do its part", () => {
  it("because it wants to be left alone, the answer follows when it may", async () => {
    bot.telegram.trouble("sendMessage", new Refusal(429, "Too Many Requests: retry after 7", 7), 2);
    expect(await bot.ask(ANNA, "/remember patience")).toBe("Remembered: patience");
    expect(bot.waits).toContain(7);
  });

  it("because an answer's fate is unknown, what was asked for is done once", async () => {
    bot.telegram.trouble("sendMessage", "reset", 2);
    expect(await bot.ask(ANNA, "/remember once")).toBe("Remembered: once");
    expect(bot.memory.adds).toBe(1);
  });

  it("since the person has blocked the bot, it goes on with others", async () => {
    await bot.ask(ANNA, "/help");
    bot.telegram.block(ANNA);
    bot.telegram.say(ANNA, "/remember still kept");
    await until(() => bot.memory.textsOf("anna").length === 1);
    expect(await bot.ask(BEN, "/help")).toMatch(/recall/);
    expect(bot.inbox.backlog().count).toBe(0);
  });

  it("since the note was deleted meanwhile, the answer is a message of its own", async () => {
    const added = Promise.withResolvers<void>();
    bot.memory.held = added.promise;
    bot.telegram.say(ANNA, "/remember slow");
    await until(() => bot.telegram.answers(ANNA).length === 1);
    bot.telegram.erase(ANNA, bot.telegram.messages(ANNA).at(-1)?.id ?? 0);
    added.resolve();
    await until(() => bot.inbox.backlog().count === 0);
    expect(bot.telegram.answers(ANNA)).toEqual(["Remembered: slow"]);
  });
});
