import { z } from "zod";

/** What the bot is told about its stack. Secrets come as paths and are read when they are used. */
export interface Settings {
  stack: string;
  /** Where health and metrics are asked for; 0: any that is free. */
  port: number;
  /** Base URL of the memory server's API. */
  serverUrl: string;
  /** How long the server may take for an add. */
  addSeconds: number;
  /** For how long the server knows an Idempotency-Key. */
  keyHours: number;
  apiKeyFile: string;
  tokenFile: string;
  /** Base URL of Telegram's Bot API, without a slash at its end. */
  telegramUrl: string;
  /** Memory user of each person who may use the bot, by Telegram id. */
  users: ReadonlyMap<number, string>;
  /** Whether a message that is no command is remembered. */
  plainMessages: boolean;
  /** SQLite file of what was received and is not done yet. */
  inboxFile: string;
}

const text = z.string({ error: "is not set" });
const number = text.regex(/^\d+$/, { error: "must be a whole number" }).transform(Number);

const users = text.transform((json, context) => {
  const parsed = z.record(z.string().regex(/^\d+$/), z.string().min(1)).safeParse(parseJson(json));
  if (parsed.success) return new Map(Object.entries(parsed.data).map(([id, user]) => [Number(id), user]));
  context.addIssue({ code: "custom", message: "must be JSON: memory users by Telegram id" });
  return z.NEVER;
});

/** Variables of the environment, by name; others are left alone. */
const environment = z
  .object({
    MEM0_STACK: text,
    BOT_PORT: number.default(9465),
    SERVER_URL: text,
    SERVER_ADD_SECONDS: number.default(90),
    SERVER_KEY_HOURS: number.default(24),
    API_KEY_FILE: text,
    TELEGRAM_TOKEN_FILE: text,
    TELEGRAM_URL: text.default("https://api.telegram.org"),
    TELEGRAM_USERS: users,
    PLAIN_MESSAGES: z.enum(["true", "false"]).default("false"),
    INBOX_FILE: text,
  })
  .transform(
    (env): Settings => ({
      stack: env.MEM0_STACK,
      port: env.BOT_PORT,
      serverUrl: env.SERVER_URL,
      addSeconds: env.SERVER_ADD_SECONDS,
      keyHours: env.SERVER_KEY_HOURS,
      apiKeyFile: env.API_KEY_FILE,
      tokenFile: env.TELEGRAM_TOKEN_FILE,
      telegramUrl: env.TELEGRAM_URL.replace(/\/+$/, ""),
      users: env.TELEGRAM_USERS,
      plainMessages: env.PLAIN_MESSAGES === "true",
      inboxFile: env.INBOX_FILE,
    }),
  );

/** @throws one error that names all that is missing or wrong */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const result = environment.safeParse(env);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new Error(lines.join("; "));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
