import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach } from "vitest";
import { MemoryClient } from "../../../ops/server/client.ts";

/** What a memory server of the tests gets and gives: it takes every line, and exports what it is told to. */
export interface TransferServer {
  client: MemoryClient;
  /** Lines of all imports, without headers. */
  taken: string[];
  headers: string[];
}

const running: { close(): void }[] = [];

afterEach(() => {
  for (const server of running.splice(0)) server.close();
});

/** The two requests of transfer as the memory server answers them; it ends with the test. */
export async function transferServer(exported = ""): Promise<TransferServer> {
  const taken: string[] = [];
  const headers: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === "GET") return void response.end(exported);
    const lines = (await text(request)).trimEnd().split("\n");
    const isHeader = (line: string) => line.includes('"header"');
    headers.push(...lines.filter(isHeader));
    const own = lines.filter((line) => !isHeader(line));
    taken.push(...own);
    const count = (type: string) => own.filter((line) => line.includes(`"${type}"`)).length;
    const report = {
      added: count("memory"),
      skipped: 0,
      relations: count("relation"),
      failed: 0,
      failures: [],
    };
    response.end(JSON.stringify(report));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  running.push(server);
  const { port } = server.address() as AddressInfo;
  const client = new MemoryClient({ stack: "test", address: `http://127.0.0.1:${port}`, apiKey: "key" });
  return { client, taken, headers };
}
