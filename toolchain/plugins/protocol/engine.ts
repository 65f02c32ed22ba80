import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { Progress } from "./resource.ts";

/** The engine's log service, connected at the first message: most runs have none. */
export class Engine {
  readonly #address: string;
  #connection: Promise<Connection> | undefined;
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
    const connection = this.#connection;
    this.#sent = this.#sent.then(async () => {
      const { client, proto } = await connection;
      const request = new proto.LogRequest();
      request.setSeverity(proto.LogSeverity[severity]);
      request.setMessage(message);
      request.setUrn(urn);
      request.setEphemeral(ephemeral);
      // A message that cannot be delivered must not fail the operation it tells of.
      await new Promise<void>((resolve) => client.log(request, () => resolve()));
    });
  }
}

type EngineProto = typeof import("@pulumi/pulumi/proto/engine_pb.js");
interface Connection {
  client: EngineClient;
  proto: EngineProto;
}

async function connect(address: string): Promise<Connection> {
  const [grpc, service, proto] = await Promise.all([
    import("@grpc/grpc-js"),
    import("@pulumi/pulumi/proto/engine_grpc_pb.js"),
    import("@pulumi/pulumi/proto/engine_pb.js"),
  ]);
  const client = new service.default.EngineClient(address, grpc.default.credentials.createInsecure());
  return { client, proto: proto.default };
}
