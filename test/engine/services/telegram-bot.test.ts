import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeTelegram } from "../../harness/fakes/telegram/server.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { docker, WatchedStack } from "../../harness/support/watched-stack.ts";
import { imageSize } from "./workbench.ts";

const ANNA = 4001;
const STRANGER = 4666;
const UNWATCHED = {
  observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
};

let telegram: FakeTelegram;
let stack: WatchedStack;

beforeAll(async () => {
  // Containers reach the host under its address on Docker's bridge, not on loopback.
  telegram = await FakeTelegram.start("0.0.0.0");
  stack = new WatchedStack("talking", 28560);
  await stack.up(UNWATCHED);
});

afterAll(async () => {
  await stack.remove();
  await telegram.down();
});

/** Says something and waits for the answer, which may begin as a note. */
async function ask(text: string, answer: RegExp): Promise<string> {
  const before = telegram.answers(ANNA).length;
  telegram.say(ANNA, text);
  const found = () =>
    telegram
      .answers(ANNA)
      .slice(before)
      .find((said) => answer.test(said));
  await waitFor(`an answer to ${text}`, async () => found() !== undefined, 60);
  return found() ?? "";
}

describe("a stack with a bot", () => {
  it("comes from one without, whose other containers stay as they are", async () => {
    const started = () => docker("inspect", stack.container("postgres"), "--format", "{{.Created}}");
    const before = await started();
    expect(stack.manifest.services).not.toHaveProperty("telegram_bot");
    await stack.project.giveSecret(stack.stack, "telegramToken", telegram.token);
    const apiUrl = `http://host.docker.internal:${telegram.port}`;
    await stack.up({ ...UNWATCHED, telegram: { users: { [ANNA]: "anna" }, apiUrl } });
    expect(await started()).toBe(before);
    expect(stack.lines.join("\n")).not.toContain(telegram.token);
    const logs = () => docker("logs", stack.container("telegram_bot"));
    await waitFor("the bot to poll", async () => (await logs()).includes("authorized"), 60);
  });

  it("greets, remembers, and recalls by meaning as soon as it has said that it remembers", async () => {
    expect(await ask("/start", /Hello/)).toContain("memories of anna");
    expect(await ask("/remember I am allergic to peanuts", /Remembered/)).toMatch(/peanuts/);
    expect(await ask("/recall what must I not eat?", /^1\./)).toMatch(/peanuts/);
    expect(await ask("/status", /memory is ready/)).toContain("It holds 1 memories of anna.");
    expect((await stack.deployed.server.recall("allergy", "anna", 1))[0]?.memory).toMatch(/peanuts/);
  });

  it("forgets what was confirmed", async () => {
    await ask("/list", /^1\. /);
    await ask("/forget 1", /Forget this for good/);
    telegram.press(ANNA, telegram.messages(ANNA).at(-1)?.id ?? 0, "Forget it");
    await waitFor(
      "it to be forgotten",
      async () => /Forgotten/.test(telegram.answers(ANNA).at(-1) ?? ""),
      60,
    );
    expect(await stack.deployed.server.recall("allergy", "anna", 1)).toEqual([]);
  });

  it("notes what comes while the server is down, and remembers it once, though the bot dies too", async () => {
    await docker("stop", stack.container("server"));
    await ask("/remember My sister Anna works in Berlin", /Noted/);
    await docker("kill", stack.container("telegram_bot"));
    await docker("start", stack.container("telegram_bot"), stack.container("server"));
    await waitFor(
      "the note to become the answer",
      async () => telegram.answers(ANNA).some((text) => /^Remembered: .*Berlin/.test(text)),
      90,
    );
    expect(await stack.deployed.server.recall("Berlin", "anna", 9)).toHaveLength(1);
  });

  it("turns strangers away, and knows nobody's memories but its users'", async () => {
    telegram.say(STRANGER, "/list");
    await waitFor("the refusal", async () => telegram.answers(STRANGER).length === 1, 30);
    const key = readFileSync(stack.manifest.secretFiles.api_key_telegram_bot ?? "", "utf8");
    const answer = await fetch(`http://127.0.0.1:${stack.ports.server}/memories?user_id=ben`, {
      headers: { "X-API-Key": key },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  it("holds its token in a file alone, and takes at most 80 MiB", async () => {
    const container = stack.container("telegram_bot");
    expect(await docker("inspect", container)).not.toContain(telegram.token);
    expect(await docker("logs", container)).not.toContain(telegram.token.split(":")[1] ?? "");
    // As Docker counts it against the limit: its own memory, without the files of Node that any process has mapped.
    const used = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container);
    expect(Number(/^([\d.]+)MiB/.exec(used)?.[1])).toBeLessThanOrEqual(80);
    expect(await imageSize(stack.manifest.services.telegram_bot?.image ?? "")).toBeLessThanOrEqual(250e6);
  });
});
