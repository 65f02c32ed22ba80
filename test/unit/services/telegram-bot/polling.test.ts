import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "../../../harness/fakes/telegram/refusal.ts";
import { ANNA, RunningBot, until } from "./running-bot.ts";

let bot: RunningBot;
let logged = "";

beforeEach(async () => {
  bot = await RunningBot.prepared();
  logged = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    logged += String(text);
    return true;
  });
});

afterEach(async () => {
  await bot.remove();
  vi.restoreAllMocks();
});

const metric = async (name: string) =>
  Number(new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (.+)$`, "m").exec(await bot.state.render())?.[1]);
const failures = (reason: string) => metric(`mem0_bot_failures_total{peer="telegram",reason="${reason}"}`);

describe("a poll that fails", () => {
  it.each([
    ["another poller", new Refusal(409, "Conflict: terminated by other getUpdates request"), "conflict", 15],
    ["too many requests", new Refusal(429, "Too Many Requests: retry after 11", 11), "rate_limited", 11],
    ["a fault of Telegram", new Refusal(502, "Bad Gateway"), "telegram_error", undefined],
    ["a token that was revoked", new Refusal(401, "Unauthorized"), "token", 60],
    ["a connection that breaks", "reset" as const, "unreachable", undefined],
    ["a network that wants a login", "not-telegram" as const, "malformed", undefined],
  ])(
    "through %s is named in log, health and metric, and polled again after its time",
    async (_, trouble, reason, seconds) => {
      bot.telegram.trouble("getUpdates", trouble, 2);
      bot.start();
      await until(() => logged.includes(`"reason":"${reason}"`));
      await until(() => bot.state.told().telegram.ok);
      expect(await failures(reason)).toBe(2);
      expect(await metric("mem0_bot_polling")).toBe(1);
      expect(await metric("mem0_bot_last_poll_timestamp_seconds")).toBeGreaterThan(1e9);
      if (seconds !== undefined) expect(bot.waits.filter((wait) => wait === seconds)).toHaveLength(2);
      expect(logged).toContain("telegram is well");
      bot.telegram.say(ANNA, "/help");
      await until(() => bot.telegram.answers(ANNA).length === 1);
    },
  );

  it("through a connection that died without a word is ended, and begun anew", async () => {
    bot.telegram.trouble("getUpdates", "hang", 2);
    bot.times = { poll: 0, beyond: 0.1, call: 15 };
    bot.start();
    await until(() => logged.includes('"reason":"timeout"'));
    await until(() => bot.state.told().telegram.ok);
    expect(await failures("timeout")).toBe(2);
  });

  it("shows health what is wrong, until it is well", async () => {
    bot.telegram.trouble(
      "getUpdates",
      new Refusal(409, "Conflict: terminated by other getUpdates request"),
      40,
    );
    bot.start();
    await until(() => bot.state.told().telegram.reason === "conflict");
    expect(bot.state.told()).toMatchObject({
      ready: false,
      telegram: { ok: false, detail: expect.stringMatching(/same token: stop it/) },
      server: { ok: true },
    });
    expect(await metric("mem0_bot_polling")).toBe(0);
    expect(await metric('mem0_bot_fault{peer="telegram",reason="conflict"}')).toBe(1);
    expect(await metric('mem0_bot_fault{peer="telegram",reason="token"}')).toBe(0);
  });

  it("because of a webhook takes the webhook away, and loses nothing that waits", async () => {
    bot.telegram.updates.webhook = "https://elsewhere.example";
    bot.telegram.say(ANNA, "/help");
    bot.start();
    await until(() => bot.telegram.answers(ANNA).length === 1);
    expect(bot.telegram.updates.webhook).toBe("");
  });

  it("is never logged with the token or the address that has it in it", async () => {
    bot.token = `${bot.telegram.token.slice(0, -4)}oops`;
    bot.start();
    await until(() => logged.includes("knows no such token"));
    await bot.telegram.down();
    await until(() => logged.includes("ECONNREFUSED"));
    const secret = bot.token.split(":")[1] ?? "";
    expect(logged).not.toContain(secret);
    expect(JSON.stringify(bot.state.told())).not.toContain(secret);
    expect(await bot.state.render()).not.toContain(secret);
  });
});

describe("what was sent", () => {
  it("while the bot was off or Telegram away is answered in order, once", async () => {
    bot.start();
    await until(() => bot.state.told().telegram.ok);
    await bot.telegram.down();
    for (const text of ["one", "two", "three"]) bot.telegram.say(ANNA, `/remember ${text}`);
    await bot.telegram.up();
    await until(() => bot.memory.memories.length === 3);
    expect(bot.memory.textsOf("anna")).toEqual(["one", "two", "three"]);
    await until(() => bot.telegram.updates.unconfirmed === 0);
  });

  it("after a week of silence, under lower ids, is not taken for old", async () => {
    bot.start();
    bot.telegram.updates.restartAt(900_000_000);
    bot.telegram.say(ANNA, "/remember before");
    await until(() => bot.memory.memories.length === 1);
    await until(() => bot.telegram.updates.unconfirmed === 0);
    bot.telegram.updates.restartAt(17);
    bot.telegram.say(ANNA, "/remember after");
    await until(() => bot.memory.memories.length === 2);
    await until(() => bot.telegram.updates.unconfirmed === 0);
  });

  it("and does not fit on the disk stays with Telegram until it does", async () => {
    bot.start();
    await until(() => bot.state.told().telegram.ok);
    const full = vi.spyOn(bot.inbox, "take").mockImplementation(() => {
      throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR" });
    });
    bot.telegram.say(ANNA, "/remember patience");
    await until(() => bot.state.told().inbox.reason === "disk");
    expect(bot.telegram.updates.unconfirmed).toBe(1);
    full.mockRestore();
    await until(() => bot.memory.memories.length === 1);
    expect(bot.state.told().inbox.ok).toBe(true);
  });
});
