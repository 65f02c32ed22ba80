import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import path from "node:path";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectDocker } from "../../../../ops/docker/client.ts";
import { Throwaway } from "../../../../ops/docker/throwaway.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const owner = { stack: "test", homeId: "home" };

interface Wish {
  Labels: Record<string, string>;
  HostConfig: Record<string, unknown>;
}

/** An engine that makes whatever is asked for, and has nothing of its own; it notes the containers. */
let containers: Wish[] = [];
let engine: Server;

const answer: RequestListener = async (request, response) => {
  const { method, url = "" } = request;
  if (method === "POST" && url.startsWith("/containers/create"))
    containers.push((await json(request)) as Wish);
  const nothing = url.startsWith("/volumes") ? { Volumes: [] } : [];
  const made = url.endsWith("/start") ? 204 : 201;
  response.writeHead(method === "GET" ? 200 : made, {
    "content-type": "application/json",
    connection: "close",
  });
  response.end(JSON.stringify(method === "GET" ? nothing : { Id: "c" }));
};

beforeEach(async () => {
  containers = [];
  engine = createServer(answer).listen(path.join(scratch.path, "docker.sock"));
  await once(engine, "listening");
});

afterEach(() => engine.close());

const open = () =>
  Throwaway.open(connectDocker(`unix://${path.join(scratch.path, "docker.sock")}`), owner, "drill");

describe("a one-off container", () => {
  it("has no network, and may do no more than a service of the stack, whether it serves or runs one command", async () => {
    const throwaway = await open();
    await throwaway.start("postgres", { image: "i" });
    await throwaway.prepare({ image: "i" }, "a command");
    expect(containers).toHaveLength(2);
    for (const { HostConfig, Labels } of containers) {
      expect(HostConfig).toMatchObject({
        NetworkMode: "none",
        ReadonlyRootfs: true,
        Init: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        Tmpfs: { "/tmp": "size=64m,mode=1777" },
      });
      expect(Labels).toEqual({ "mem0.throwaway": "home/test/drill" });
    }
  });

  it("is not logged when it runs one command", async () => {
    const throwaway = await open();
    const stores = { "/data": "a_volume" };
    const readOnlyStores = { "/source": "/data/neo4j" };
    await throwaway.prepare({ image: "i", stores, readOnlyStores, memoryBytes: 7 }, "a command");
    const [made] = containers;
    expect(made?.HostConfig).toMatchObject({
      NetworkMode: "none",
      LogConfig: { Type: "none" },
      Mounts: [
        { Type: "volume", Source: "a_volume", Target: "/data", ReadOnly: false },
        { Type: "bind", Source: "/data/neo4j", Target: "/source", ReadOnly: true },
      ],
      // Equal: no swap.
      Memory: 7,
      MemorySwap: 7,
    });
  });
});
