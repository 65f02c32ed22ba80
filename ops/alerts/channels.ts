import pRetry from "p-retry";
import { TELEGRAM_URL } from "../../config/manifest.ts";
import { Telegram, TelegramFault } from "../../services/telegram-bot/src/telegram.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { isWatchedByRules } from "./sources.ts";
import type { Finding, Message } from "./state.ts";
import { asHtml } from "./text.ts";

/** Somebody who is told. */
export interface Channel {
  name: string;
  takes: (finding: Finding) => boolean;
  /** Resolves when it was heard; rejects with the reason, which holds no secret. */
  send: (message: Message) => Promise<void>;
}

/** A webhook that hangs is given up. */
const WEBHOOK_MS = 10_000;

/** Tries of one message in one run; the next run tries again. */
const RETRIES = 2;

/** Telegram may ask for minutes, for which nobody waits here. */
const LONGEST_WAIT_S = 20;

/** Whom a stack tells, by the secrets that it was deployed with. */
export function channelsOf(stack: DeployedStack): Channel[] {
  const { secretFiles } = stack.manifest;
  return [
    ...(secretFiles.telegram_token === undefined || secretFiles.telegram_chat === undefined
      ? []
      : [telegram(stack)]),
    ...(secretFiles.alert_webhook_url === undefined ? [] : [webhook(stack)]),
  ];
}

function telegram(stack: DeployedStack): Channel {
  const { alerts } = stack.manifest;
  return {
    name: "telegram",
    takes: () => true,
    send: async (message) => {
      const api = new Telegram(stack.secret("telegram_token"), alerts?.telegramUrl ?? TELEGRAM_URL);
      const chat = stack.secret("telegram_chat");
      const html = asHtml(stack.name, message);
      await pRetry(() => api.send(chat.startsWith("@") ? chat : Number(chat), { html }, undefined), {
        retries: RETRIES,
        minTimeout: 200,
        shouldRetry: ({ error }) =>
          error instanceof TelegramFault && error.passes && error.reason !== "token",
        onFailedAttempt: async ({ error, retriesLeft }) => {
          const seconds = error instanceof TelegramFault ? (error.retryAfter ?? 0) : 0;
          if (seconds > LONGEST_WAIT_S) throw error;
          if (retriesLeft > 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        },
      });
    },
  };
}

/**
 * The webhook that Grafana's contact point has as well, where there is a Grafana: what a rule watches comes from there.
 */
function webhook(stack: DeployedStack): Channel {
  const grafanaTells = stack.manifest.observability?.grafana !== undefined;
  return {
    name: "webhook",
    takes: ({ source, type }) => !grafanaTells || (source !== "prometheus" && !isWatchedByRules(type)),
    send: async ({ id, at, kind, items }) => {
      const body = JSON.stringify({ stack: stack.name, id, time: new Date(at).toISOString(), kind, items });
      let response: Response;
      try {
        response = await fetch(stack.secret("alert_webhook_url"), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
          signal: AbortSignal.timeout(WEBHOOK_MS),
        });
        await response.body?.cancel();
      } catch (error) {
        // The error itself may name the address, which often holds a token.
        const { name } = error as Error;
        throw new Error(
          name === "TimeoutError" ? `no answer within ${WEBHOOK_MS / 1000} s` : "no connection",
        );
      }
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    },
  };
}
