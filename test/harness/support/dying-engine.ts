import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * The few answers of Docker's API that a run keeps open, on a socket, as dockerd gives them: events and a wait begin at
 * once and end with the engine. Everything else is refused.
 */
export class DyingEngine {
  readonly #sockets = new Set<Socket>();
  readonly #file: string;
  #server: Server | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  get host(): string {
    return `unix://${this.#file}`;
  }

  async start(): Promise<void> {
    const server = createServer(({ url }, response) => answer(url ?? "", response));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server = server;
    server.listen(this.#file);
    await once(server, "listening");
  }

  /** Takes no new connections, and keeps those that there are: as dockerd while it stops its containers. */
  stopListening(): void {
    this.#server?.close();
  }

  async die(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    if (server.listening) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function answer(url: string, response: ServerResponse): void {
  if (url === "/_ping") response.end("OK");
  else if (url.startsWith("/events?")) response.writeHead(200).flushHeaders();
  else if (url === "/containers/c/json")
    response.end(JSON.stringify({ State: { Running: true, ExitCode: 0 } }));
  else response.writeHead(400).end(JSON.stringify({ message: `not known here: ${url}` }));
}
