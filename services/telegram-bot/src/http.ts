import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { State } from "./state.ts";

/** Where health and metrics are asked for. Nothing here is published on the host. */
export interface Endpoint {
  port: number;
  close: () => void;
}

/**
 * `/healthz`: the process answers, whoever else does not. `/ready`: 200 while Telegram, the memory server and the inbox do
 * what they are asked for, else 503 with what is wrong. `/metrics`: for Prometheus, through the exporter.
 */
export async function serve(state: State, port: number, host: string): Promise<Endpoint> {
  const routes: Record<string, (response: ServerResponse) => void | Promise<void>> = {
    "/healthz": (response) => answer(response, 200, "text/plain", "ok\n"),
    "/ready": (response) => {
      const told = state.told();
      answer(response, told.ready ? 200 : 503, "application/json", `${JSON.stringify(told)}\n`);
    },
    "/metrics": async (response) =>
      answer(response, 200, "text/plain; version=0.0.4; charset=utf-8", await state.render()),
  };
  const server = createServer((request, response) => {
    const route = routes[request.url ?? ""];
    if (route === undefined) return answer(response, 404, "text/plain", `there are ${Object.keys(routes)}\n`);
    if (request.method !== "GET") return answer(response, 405, "text/plain", "only GET\n");
    // What fails here is a database that is closed, at the end.
    Promise.resolve(route(response)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "Content-Type": type }).end(body);
}
