import http from "node:http";

/** How something on this host answers to a request with these headers and no others. */
export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** @param path as it is, without dots and slashes being tidied */
export function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const host = `127.0.0.1:${port}`;
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      path,
      setHost: false,
      headers: { host, ...headers },
      agent: false,
    };
    const request = http.get(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
    });
    request.on("error", reject);
    request.setTimeout(10_000, () => request.destroy(new Error("no answer within 10 s")));
  });
}

/** What a client sends that wants a WebSocket. */
export const WEBSOCKET = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
} as const;

/** Under which names and from which pages something is asked, and what the answer's status has to be. */
export function requestsFromElsewhere(port: number): [Record<string, string>, number | "answered"][] {
  return [
    [{}, "answered"],
    [{ host: "localhost" }, "answered"],
    [{ host: `LOCALHOST:${port}` }, "answered"],
    [{ host: `[::1]:${port}` }, "answered"],
    [{ host: `host.docker.internal:${port}` }, "answered"],
    [{ host: "mac.tail1234.ts.net" }, "answered"],
    [{ host: "mac.tail1234.ts.net", origin: "https://mac.tail1234.ts.net" }, "answered"],
    [{ origin: `http://127.0.0.1:${port}` }, "answered"],
    [{ host: "rebound.example" }, 421],
    [{ host: `rebound.example:${port}` }, 421],
    [{ host: "127.0.0.1.rebound.example" }, 421],
    [{ host: "192.168.1.2" }, 421],
    [{ host: "" }, 421],
    [{ origin: "https://elsewhere.example" }, 403],
    [{ origin: `http://127.0.0.1:${port + 1000}` }, 403],
    [{ origin: "http://127.0.0.1" }, 403],
    [{ origin: "null" }, 403],
    [{ host: "localhost", origin: "https://mac.tail1234.ts.net" }, 403],
  ];
}
