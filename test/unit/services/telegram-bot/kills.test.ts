import { test } from "vitest";
import { botRounds } from "../../../harness/rounds/bot-rounds.ts";

test("a bot that is killed again and again stores each message once, and answers it", async () => {
  await botRounds({ messages: 40, kills: 4, seed: 20, report: () => {} });
});
