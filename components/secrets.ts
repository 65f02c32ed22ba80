import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Settings } from "../config/settings.ts";
import { HostFile, type MountedFile } from "./host-file.ts";

/** A secret as a 0600 file on the host. */
export type SecretFile = MountedFile;

export interface SecretsArgs {
  settings: Pick<Settings, "stateDir" | "runAs">;
  /** Secrets given by the user; the others are generated. */
  given: { apiKey?: pulumi.Output<string>; openaiApiKey?: pulumi.Output<string> };
}

/** Every secret of a stack: made once, protected, and readable only by the user that the containers run as. */
export class Secrets extends pulumi.ComponentResource {
  readonly postgresPassword: SecretFile;
  readonly neo4jPassword: SecretFile;
  /** Of the role that the exporter reads Postgres with. */
  readonly metricsPassword: SecretFile;
  readonly apiKey: SecretFile;
  readonly openaiApiKey: SecretFile | undefined;
  /** Names the data of this stack, for good: stores that carry another id are foreign. Not a secret. */
  readonly instanceId: pulumi.Output<string>;

  constructor(name: string, { settings, given }: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Secrets", name, {}, opts);

    // Letters and digits only: the passwords stand in URLs, where other signs need escaping.
    const generated = (secret: string, length: number) =>
      new random.RandomPassword(
        `${name}-${secret}`,
        { length, special: false },
        { parent: this, protect: true },
      ).result;
    const file = (secret: string, content: pulumi.Output<string>): SecretFile => {
      const { path: filePath, revision } = new HostFile(
        `${name}-${secret}-file`,
        {
          path: path.join(settings.stateDir, "secrets", secret),
          content,
          mode: "0600",
          owner: `${settings.runAs.uid}:${settings.runAs.gid}`,
        },
        { parent: this },
      );
      return { name: secret, path: filePath, revision };
    };

    this.postgresPassword = file("postgres_password", generated("postgres-password", 32));
    this.neo4jPassword = file("neo4j_password", generated("neo4j-password", 32));
    this.metricsPassword = file("metrics_password", generated("metrics-password", 32));
    // Generated even when one is given, so that giving or withdrawing a key never touches a protected resource.
    const ownApiKey = generated("api-key", 43);
    this.apiKey = file("api_key", given.apiKey ?? ownApiKey);
    this.openaiApiKey =
      given.openaiApiKey === undefined ? undefined : file("openai_api_key", given.openaiApiKey);
    this.instanceId = new random.RandomId(
      `${name}-instance-id`,
      { byteLength: 16 },
      { parent: this, protect: true },
    ).hex;

    this.registerOutputs({ instanceId: this.instanceId });
  }
}
