import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { asked } from "../../../../ops/health/answer.ts";
import { askCanary } from "../../../../ops/health/canary.ts";
import { health } from "../../../../ops/health/health.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on a free port; one that never answers when left without an answer. */
async function listening(answer?: () => { status: number; body: object }): Promise<number> {
  const server = createServer((_, response) => {
    if (answer === undefined) return;
    const { status, body } = answer();
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function stackAt(port: number, provider = "embedded"): DeployedStack {
  const secret = path.join(scratch.path, "secret");
  mkdirSync(scratch.path, { recursive: true });
  writeFileSync(secret, "a-secret-of-the-stack");
  const service = (...purposes: string[]) => ({
    container: "mem0_test",
    image: "i",
    ports: Object.fromEntries(purposes.map((purpose) => [purpose, port])),
  });
  const manifest = exampleManifest({
    dockerHost: `unix://${path.join(scratch.path, "no-docker.sock")}`,
    services: {
      server: service("http"),
      postgres: service("postgres"),
      neo4j: service("http", "bolt"),
    },
    model: { provider, llm: "l", embedder: "e", dimensions: 3 },
    secretFiles: { api_key: secret, postgres_password: secret, neo4j_password: secret },
  });
  return new DeployedStack(manifest, scratch.path);
}

describe("asking how a stack is", () => {
  it("waits no longer than it says, and tells the innermost reason", async () => {
    expect(await asked(20, () => new Promise(() => {}))).toEqual({ reason: "no answer within 0.02 s" });
    const wrapped = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    expect(await asked(20, () => Promise.reject(wrapped))).toEqual({ reason: "connect ECONNREFUSED" });
    expect(await asked(20, async () => 7)).toEqual({ value: 7 });
  });

  it("ends within its bound when everybody takes the connection and nobody answers", async () => {
    const report = await health(stackAt(await listening()));
    expect(report.seconds).toBeLessThan(10);
    const roots = report.checks.filter(({ ok, because }) => !ok && because === undefined);
    expect(roots.map(({ type }) => type)).toEqual(["docker_down"]);
  }, 15_000);

  it("lets a paid model embed the canary's texts once an hour, and again as long as it fails", async () => {
    let [calls, status] = [0, 502];
    const port = await listening(() => {
      calls += 1;
      return {
        status,
        body: { title: "t", similarity: 0.8, model_milliseconds: 200, store_milliseconds: 5 },
      };
    });
    const at = (minutes: number, provider: string) =>
      askCanary(stackAt(port, provider), minutes * 60_000, 1_000);
    expect(await at(0, "openai")).toMatchObject({ answer: { reason: expect.stringContaining("502") } });
    status = 200;
    expect(await at(5, "openai")).toEqual({
      at: 300_000,
      answer: { value: { similarity: 0.8, milliseconds: 5 } },
    });
    expect(await at(64, "openai")).toMatchObject({ at: 300_000 });
    expect(calls).toBe(2);
    expect(await at(66, "openai")).toMatchObject({ at: 66 * 60_000 });
    expect(calls).toBe(3);
    await at(66, "embedded");
    expect(calls).toBe(4);
  });
});
