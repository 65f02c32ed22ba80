import { setTimeout as delay } from "node:timers/promises";
import { table } from "../scripts/cli/table.ts";
import { FakeTelegram } from "../test/harness/fakes/telegram/server.ts";
import { residentMebibytes } from "../test/harness/support/container-memory.ts";
import { docker, WatchedStack } from "../test/harness/support/watched-stack.ts";

/**
 * How long a person waits for the Telegram bot: `./mem0 bench bot` on a machine that is set up. Deploys a stack of its
 * own with a bot, and writes to it through a fake of Telegram on this machine: what Telegram itself takes comes on top.
 * Beside each message, the server is asked for an add of the same kind without the bot.
 */
const MESSAGES = Number(process.argv[2] ?? 100);
/** The first add after a start loads what later ones find loaded. */
const WARM = 5;
const ANNA = 4001;
const FIRST_PORT = 28450;

const GOALS = { notedMs: 200, share: 1.2, mebibytes: 80 };
const UNWATCHED = {
  observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
};

const telegram = await FakeTelegram.start("0.0.0.0");
const stack = new WatchedStack("botbench", FIRST_PORT);
try {
  console.error("deploying a stack of its own ...");
  await stack.up(UNWATCHED);
  await stack.project.giveSecret(stack.stack, "telegramToken", telegram.token);
  const apiUrl = `http://host.docker.internal:${telegram.port}`;
  await stack.up({ ...UNWATCHED, telegram: { users: { [ANNA]: "anna" }, apiUrl } });

  const alone: number[] = [];
  const noted: number[] = [];
  const remembered: number[] = [];
  console.error(`${MESSAGES} messages, each beside an add of the server's own ...`);
  for (let count = -WARM; count < MESSAGES; count += 1) {
    const started = performance.now();
    await stack.remember(`I have read book number ${count}`, "reader");
    const own = performance.now() - started;
    const told = await tell(`/remember I have seen film number ${count}`);
    if (count < 0) continue;
    alone.push(own);
    noted.push(told.first);
    remembered.push(told.last);
  }

  console.error("messages while the server is paused ...");
  await docker("pause", stack.container("server"));
  const paused: number[] = [];
  for (let count = 0; count < MESSAGES; count += 1)
    paused.push((await tell(`/remember I have heard song number ${count}`, /^/)).first);
  await docker("unpause", stack.container("server"));
  await until(() => telegram.answers(ANNA).every((text) => !text.startsWith("Noted")));

  const container = stack.container("telegram_bot");
  const counted = Number.parseFloat(
    await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container),
  );
  const resident = await residentMebibytes(container);
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const share = (at: number) => quantile(remembered, at) / quantile(alone, at);
  console.log(
    table(
      ["measure", "p50", "p95", "goal"],
      [
        ["an add, asked of the server itself", ms(quantile(alone, 0.5)), ms(quantile(alone, 0.95)), ""],
        [
          "first answer to a message",
          ms(quantile(noted, 0.5)),
          ms(quantile(noted, 0.95)),
          `p95 <= ${GOALS.notedMs} ms`,
        ],
        [
          "the same, the server paused",
          ms(quantile(paused, 0.5)),
          ms(quantile(paused, 0.95)),
          `p95 <= ${GOALS.notedMs} ms`,
        ],
        ["remembered", ms(quantile(remembered, 0.5)), ms(quantile(remembered, 0.95)), ""],
        [
          "remembered / the server's own time",
          share(0.5).toFixed(2),
          share(0.95).toFixed(2),
          `<= ${GOALS.share}`,
        ],
      ],
    ),
  );
  console.log(
    `memory after ${2 * MESSAGES} messages: ${counted.toFixed(0)} MiB as Docker counts it against the limit (goal: <= ${GOALS.mebibytes} MiB), ${resident.toFixed(0)} MiB resident, Node's own binary included`,
  );
} finally {
  await stack.remove();
  await telegram.down();
}

/** Writes to the bot. @returns when it answered first, and when the answer began with `wanted`, in milliseconds */
async function tell(
  text: string,
  wanted = /^(Remembered|There is nothing new)/,
): Promise<{ first: number; last: number }> {
  const before = telegram.answers(ANNA).length;
  const started = performance.now();
  telegram.say(ANNA, text);
  await until(() => telegram.answers(ANNA).length > before);
  const first = performance.now() - started;
  await until(() => wanted.test(telegram.answers(ANNA).at(-1) ?? ""));
  return { first, last: performance.now() - started };
}

/** Looks every millisecond. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

function quantile(values: readonly number[], at: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * at)] ?? Number.NaN;
}
