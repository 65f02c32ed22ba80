import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { keyLine, OWNER } from "../config/api-keys.ts";
import type { Settings } from "../config/settings.ts";
import { HostFile, type MountedFile } from "./host-file.ts";

/** Letters and digits enough for 256 bits. */
const KEY_LENGTH = 43;

/** A secret as a 0600 file on the host. */
export type SecretFile = MountedFile;

export interface SecretsArgs {
  settings: Pick<Settings, "stateDir" | "runAs" | "server" | "grafana" | "observability">;
  /** Secrets given by the user; the others are generated. */
  given: {
    apiKey?: pulumi.Output<string>;
    openaiApiKey?: pulumi.Output<string>;
    grafanaAuth?: pulumi.Output<string>;
    alertWebhookUrl?: pulumi.Output<string>;
    telegramToken?: pulumi.Output<string>;
    telegramChat?: pulumi.Output<string>;
    /** By name. */
    apiKeys?: Record<string, pulumi.Output<string>>;
  };
}

/** Every secret of a stack: made once, protected, and readable only by the user that the containers run as, or by whoever deploys. */
export class Secrets extends pulumi.ComponentResource {
  readonly postgresPassword: SecretFile;
  readonly neo4jPassword: SecretFile;
  /** Of the role that the exporter reads Postgres with. */
  readonly metricsPassword: SecretFile;
  /** The owner's own, which the verbs use. */
  readonly apiKey: SecretFile;
  /** One file for each of `server.keys`, by name: for whoever that key is meant for. */
  readonly clientKeys: Readonly<Record<string, SecretFile>>;
  /** All keys of the memory server with names, roles and users, as it reads them. */
  readonly apiKeys: SecretFile;
  /** Seals the manifests of the stack's backups; no container reads it. */
  readonly sealKey: SecretFile;
  readonly openaiApiKey: SecretFile | undefined;
  readonly telegramToken: SecretFile | undefined;
  /** Where the stack itself writes to. */
  readonly telegramChat: SecretFile | undefined;
  readonly alertWebhookUrl: SecretFile | undefined;
  /** What a container of Grafana needs; the key is the one that Grafana encrypts its own secrets with. */
  readonly grafana: { adminPassword: SecretFile; secretKey: SecretFile } | undefined;
  /** How the program proves itself to Grafana's API: `user:password`, or the token that was given. */
  readonly grafanaAuth: pulumi.Output<string> | undefined;
  /** Names the data of this stack, for good: stores that carry another id are foreign. Not a secret. */
  readonly instanceId: pulumi.Output<string>;

  constructor(name: string, { settings, given }: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Secrets", name, {}, opts);

    // Letters and digits only: the passwords stand in URLs, where other signs need escaping.
    const generated = (secret: string, length: number, protect = true) =>
      new random.RandomPassword(`${name}-${secret}`, { length, special: false }, { parent: this, protect })
        .result;
    const readers = `${settings.runAs.uid}:${settings.runAs.gid}`;
    /** @param owner the containers' user; without one, whoever deploys */
    const file = (secret: string, content: pulumi.Output<string>, owner = readers): SecretFile => {
      const { path: filePath, revision } = new HostFile(
        `${name}-${secret}-file`,
        {
          path: path.join(settings.stateDir, "secrets", secret),
          content,
          mode: "0600",
          owner,
        },
        { parent: this },
      );
      return { name: secret, path: filePath, revision };
    };

    this.postgresPassword = file("postgres_password", generated("postgres-password", 32));
    this.neo4jPassword = file("neo4j_password", generated("neo4j-password", 32));
    this.metricsPassword = file("metrics_password", generated("metrics-password", 32));
    // Generated even when one is given, so that giving or withdrawing a key never touches a protected resource.
    const madeApiKey = generated("api-key", KEY_LENGTH);
    const ownApiKey = given.apiKey ?? madeApiKey;
    this.apiKey = file("api_key", ownApiKey);
    // These open nothing that another could not open again: a name taken out of the settings takes its key along.
    const clients = Object.entries(settings.server.keys).map(([client, granted]) => ({
      client,
      granted,
      key: given.apiKeys?.[client] ?? generated(`api-key-${client}`, KEY_LENGTH, false),
    }));
    this.clientKeys = Object.fromEntries(
      clients.map(({ client, key }) => [client, file(`api_key_${client}`, key)]),
    );
    const lines = [{ client: OWNER.name, granted: OWNER.role, key: ownApiKey }, ...clients].map(
      ({ client, granted, key }) => key.apply((text) => keyLine(client, granted, text)),
    );
    this.apiKeys = file("api_keys", pulumi.concat(...lines));
    this.sealKey = file("seal_key", generated("seal-key", KEY_LENGTH), "");
    this.openaiApiKey =
      given.openaiApiKey === undefined ? undefined : file("openai_api_key", given.openaiApiKey);
    this.telegramToken =
      given.telegramToken === undefined ? undefined : file("telegram_token", given.telegramToken);
    this.telegramChat =
      given.telegramChat === undefined ? undefined : file("telegram_chat", given.telegramChat);
    this.alertWebhookUrl =
      given.alertWebhookUrl === undefined ? undefined : file("alert_webhook_url", given.alertWebhookUrl);
    // Generated without a Grafana too: its data outlive the setting that turns it off, and know no other password.
    const adminPassword = generated("grafana-admin-password", 32);
    const secretKey = generated("grafana-secret-key", KEY_LENGTH);
    const ownGrafana = settings.grafana === "container";
    this.grafana = ownGrafana
      ? {
          adminPassword: file("grafana_admin_password", adminPassword),
          secretKey: file("grafana_secret_key", secretKey),
        }
      : undefined;
    this.grafanaAuth = ownGrafana
      ? pulumi.interpolate`${settings.observability.grafana.adminUser}:${adminPassword}`
      : given.grafanaAuth;
    this.instanceId = new random.RandomId(
      `${name}-instance-id`,
      { byteLength: 16 },
      { parent: this, protect: true },
    ).hex;

    this.registerOutputs({ instanceId: this.instanceId });
  }
}
