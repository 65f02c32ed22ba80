import * as pulumi from "@pulumi/pulumi";
import { BOT_KEY, BOT_KEY_HOURS, BOT_PORT } from "../config/names.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { httpHealth, type RunningService, SECRETS_DIRECTORY, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface TelegramBotArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
  server: RunningService;
}

const DATA = "/data";

/** The Telegram bot: who is on its list remembers and recalls from there. */
export class TelegramBot extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: TelegramBotArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:TelegramBot", name, {}, opts);
    const { settings, secrets, server } = args;
    const { telegram } = settings;
    const [token, key] = [secrets.telegramToken, secrets.clientKeys[BOT_KEY]];
    if (telegram === undefined || token === undefined || key === undefined)
      throw new Error("a bot has users, a token and a key");

    // What people sent and is not done yet; the token is Telegram's to give again, and so is what was not confirmed.
    const store = new StoreMount(
      `${name}-data`,
      { store: "telegram_bot", at: DATA, settings, target: args.target, replaceable: true },
      { parent: this },
    );
    this.service = args.target.run(
      name,
      {
        service: "telegram_bot",
        image: args.images.id("telegram_bot"),
        env: {
          MEM0_STACK: settings.stack,
          BOT_PORT: String(BOT_PORT),
          SERVER_URL: `http://${server.host}:8888`,
          SERVER_ADD_SECONDS: String(settings.server.timeouts.addSeconds),
          SERVER_KEY_HOURS: String(BOT_KEY_HOURS),
          API_KEY_FILE: `${SECRETS_DIRECTORY}/${key.name}`,
          TELEGRAM_TOKEN_FILE: `${SECRETS_DIRECTORY}/${token.name}`,
          TELEGRAM_URL: telegram.apiUrl,
          TELEGRAM_USERS: JSON.stringify(telegram.users),
          PLAIN_MESSAGES: String(telegram.plainMessages),
          INBOX_FILE: `${DATA}/inbox.db`,
        },
        stores: [store.mount],
        secrets: [token, key],
        // That it answers, whether Telegram does or not: no deployment fails because Telegram is away.
        health: httpHealth(BOT_PORT, "/healthz", 10),
        limits: settings.resources.bot,
        graceSeconds: 10,
        outward: true,
        // What it reads comes from anybody, so it stands where there are neither stores nor model.
        inside: ["bot"],
      },
      { parent: this, network: args.network, dependsOn: [server.resource] },
    );
    this.registerOutputs({ container: this.service.name });
  }
}
