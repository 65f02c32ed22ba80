import { type Told, tellEvent } from "../ops/alerts/alerts.ts";
import type { Finding, Level } from "../ops/alerts/state.ts";
import { ALERT_TYPE } from "../ops/alerts/store.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { defineVerb } from "./cli/verb.ts";

const LEVELS: readonly Level[] = ["CRITICAL", "WARNING", "INFO"];

export const verb = defineVerb<{ test?: boolean }>({
  declare: (command) =>
    command
      .argument("[type]", "name of the alert, e.g. backup_failed")
      .argument("[message]", "what is to be told")
      .argument("[level]", `${LEVELS.join(", ")} (default: WARNING)`)
      .option("--test", "tell a test alert, which knows no cooldown"),
  json: "what became of it",
  notes: "Who is told: mem0:telegramToken with mem0:telegramChat, and mem0:alertWebhookUrl (docs/alerts.md).",
  exits: {
    ok: "told, or held back by its cooldown or a silence",
    failed: "somebody could not be told; it waits on disk",
  },
  examples: ['alert backup_failed "the disk is full" CRITICAL', "alert --test"],
  run: async (call) => {
    const stack = call.deployed();
    const finding = call.options.test === true ? TEST : findingOf(call.args);
    const told = await tellEvent(stack, finding);
    if (told.heldBack === undefined && told.channels.length === 0) throw nobody(stack.name);
    return {
      text: render(finding.type, told),
      json: { ...told, heldBack: told.heldBack ?? null },
      exit: told.undelivered.length === 0 ? "ok" : "failed",
    };
  },
});

const TEST: Finding = {
  type: "test_alert",
  source: "verb",
  level: "INFO",
  text: "This is a test alert from mem0 system",
};

function findingOf([type, message, level = "WARNING"]: readonly string[]): Finding {
  if (type === undefined || message === undefined) {
    throw usage(
      "an alert needs a type and a message",
      './mem0 alert backup_failed "what happened", or --test',
    );
  }
  if (!ALERT_TYPE.test(type))
    throw usage(`${type} is no name of an alert`, "letters, digits and _, a letter first");
  const known = LEVELS.find((one) => one === level.toUpperCase());
  if (known === undefined) throw usage(`${level} is no level`, `allowed: ${LEVELS.join(", ")}`);
  return { type, source: "verb", level: known, text: message };
}

function usage(what: string, mend: string): Problem {
  return new Problem(what, { mend, exitCode: ExitCode.usage });
}

function nobody(stack: string): Problem {
  return new Problem("there is nobody to tell", {
    mend:
      `give the stack a bot's token and a chat, mem0:telegramToken and mem0:telegramChat, or mem0:alertWebhookUrl ` +
      `(pulumi config set --secret), then: ./mem0 up ${stack}`,
  });
}

function render(type: string, { channels, heldBack, undelivered }: Told): string {
  if (heldBack === "silence") return `${type} is silenced, and was not told`;
  if (heldBack === "cooldown")
    return `${type} was told a short while ago; ./mem0 alerts --clear ${type} ends its cooldown`;
  if (undelivered.length === 0) return `told: ${channels.join(", ")}`;
  const waiting = undelivered.map(({ channel, reason }) => `${channel}: ${reason}`);
  return [
    "it waits on disk, and is sent with the next look, since somebody could not be told:",
    ...waiting,
  ].join("\n");
}
