import { engine, grpc } from "./generated.ts";
import type { Progress } from "./resource.ts";

/** The engine's log service. */
export class Engine {
  readonly #address: string;
  #connection: ReturnType<typeof connect> | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(address: string) {
    this.#address = address;
  }

  progressOf(urn: string): Progress {
    return {
      status: (message) => this.#log(urn, "INFO", message, true),
      info: (message) => this.#log(urn, "INFO", message, false),
      warn: (message) => this.#log(urn, "WARNING", message, false),
    };
  }

  /** Waits until the engine has every message, so that none comes after the end of its operation. */
  flush(): Promise<void> {
    return this.#sent;
  }

  #log(urn: string, severity: "INFO" | "WARNING", message: string, ephemeral: boolean): void {
    this.#connection ??= connect(this.#address);
    const { client, messages } = this.#connection;
    const request = new messages.LogRequest()
      .setSeverity(messages.LogSeverity[severity])
      .setMessage(message)
      .setUrn(urn)
      .setEphemeral(ephemeral);
    // One after the other, in order; and a message that cannot be delivered must not fail what it tells of.
    this.#sent = this.#sent.then(() => new Promise((resolve) => client.log(request, () => resolve())));
  }
}

/** Loaded at the first message: most runs have none. */
function connect(address: string) {
  const { client, messages } = engine();
  return { client: new client.EngineClient(address, grpc.credentials.createInsecure()), messages };
}
