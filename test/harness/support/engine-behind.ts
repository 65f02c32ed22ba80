import { once } from "node:events";
import net from "node:net";
import { pipeline } from "node:stream";
import { socketOf } from "../../../ops/docker/client.ts";

/** The machine's engine behind a socket of its own, which can go away as the engine does when it is restarted. */
export class EngineBehind {
  readonly #engine: string;
  readonly #file: string;
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | undefined;

  /** @param file path of the socket */
  constructor(engineHost: string, file: string) {
    this.#engine = socketOf(engineHost);
    this.#file = file;
  }

  get host(): string {
    return `unix://${this.#file}`;
  }

  async come(): Promise<void> {
    // A command in a container is told the end of its input while its output goes on.
    const server = net.createServer({ allowHalfOpen: true }, (near) => {
      const far = net.connect({ path: this.#engine, allowHalfOpen: true });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      }
      pipeline(near, far, near, () => {});
    });
    this.#server = server;
    server.listen(this.#file);
    await once(server, "listening");
  }

  /** Every connection breaks, and no new one is taken. */
  go(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }
}
