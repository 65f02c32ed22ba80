import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { untilReady } from "../../../../ops/server/readiness.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

/** Waits for a server that answers its first question in one way and its second in another. */
async function wait(...answers: RequestListener[]): Promise<string[]> {
  const said: string[] = [];
  const server = createServer((request, response) => answers.shift()?.(request, response)).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const api_key = path.join(scratch.path, "api_key");
  writeFileSync(api_key, "key");
  const services = { server: { container: "server", image: "", ports: { http: port } } };
  try {
    const manifest = exampleManifest({ services, secretFiles: { api_key } });
    await untilReady(new DeployedStack(manifest, scratch.path), (line) => said.push(line));
    return said;
  } finally {
    server.close();
  }
}

const breaks: RequestListener = ({ socket }) => socket.destroy();
const says =
  (status: number, answer: object): RequestListener =>
  (_, response) =>
    response
      .writeHead(status, { "content-type": "application/json", connection: "close" })
      .end(JSON.stringify(answer));

describe("waiting for a stack that is up", () => {
  it("goes on while the server is started again", async () => {
    expect(await wait(breaks, says(200, { ready: true, checks: {} }))).toEqual([
      "the memory server does not answer",
    ]);
  });

  it("tells what is lacking", async () => {
    const checks = { neo4j: { ok: false, reason: "starting" }, model: { ok: true } };
    expect(await wait(says(503, { ready: false, checks }), says(200, { ready: true, checks: {} }))).toEqual([
      "neo4j: starting",
    ]);
  });

  it("goes on while the server fails, as one may that is starting", async () => {
    const refused = "the memory server refused (500)";
    expect(await wait(says(500, {}), says(200, { ready: true, checks: {} }))).toEqual([refused]);
  });

  it("ends when the server refuses to tell", async () => {
    await expect(wait(says(401, { title: "unauthorised" }))).rejects.toThrow(
      "the memory server refused (401): unauthorised",
    );
  });
});
