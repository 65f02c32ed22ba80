import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, onTestFinished, test, vi } from "vitest";

const PLUGINS = path.resolve(import.meta.dirname, "../../../../toolchain/plugins");
/** Nobody listens there: messages to the engine are lost, which must not matter. */
const NO_ENGINE = "127.0.0.1:1";

/** Starts a plugin as the engine does. */
async function start(
  name: string,
): Promise<{ plugin: ChildProcess; client: InstanceType<typeof service.ResourceProviderClient> }> {
  const plugin = spawn(process.execPath, [path.join(PLUGINS, name, "main.ts"), "--logtostderr", NO_ENGINE], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void plugin.kill("SIGKILL"));
  if (plugin.stdout === null) throw new Error("no stdout");
  const [port] = await once(createInterface(plugin.stdout), "line");
  const client = new service.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return { plugin, client };
}

const urn = (type: string) => `urn:pulumi:stack::project::mem0:stack:Stack$${type}::a::name`;

test("a plugin tells its version", async () => {
  const { client } = await start("random");
  const info = await new Promise<{ getVersion(): string } | undefined>((resolve, reject) =>
    client.getPluginInfo(new empty.Empty(), (error, response) => (error ? reject(error) : resolve(response))),
  );
  expect(info?.getVersion()).toMatch(/^\d+\.\d+\.\d+$/);
});

test("a resource type that is not implemented is refused with what is, and where to get the rest", async () => {
  const { client } = await start("docker");
  const request = new proto.CheckRequest()
    .setUrn(urn("docker:index/service:Service"))
    .setNews(new struct.Struct());
  const error = await new Promise<grpc.ServiceError | null>((resolve) =>
    client.check(request, (failed) => resolve(failed)),
  );
  expect(error?.details).toContain(
    "does not implement docker:index/service:Service, only docker:index/container:Container",
  );
  expect(error?.details).toMatch(/pulumi plugin install resource docker \d/);
});

test.each<[string, object, string[]]>([
  [
    "docker",
    { host: "tcp://1.2.3.4:2375", registryAuth: [], version: "5.2.0" },
    [
      '"host": this stand-in speaks to unix:// sockets only.',
      '"registryAuth": not implemented by this stand-in for the docker plugin.',
    ],
  ],
  [
    "grafana",
    { url: "127.0.0.1:3000", retries: "many", orgId: "2", version: "2.40.0" },
    [
      '"auth": required, but not given.',
      '"url": must be a URL.',
      '"retries": must be a number from 0 to 9.',
      '"orgId": not implemented by this stand-in for the grafana plugin.',
    ],
  ],
])("settings that the %s plugin does not take are refused by name", async (name, settings, mistakes) => {
  const { client } = await start(name);
  const request = new proto.CheckRequest()
    .setUrn(urn(`pulumi:providers:${name}`))
    .setNews(struct.Struct.fromJavaScript({ ...settings }));
  const response = await new Promise<InstanceType<typeof proto.CheckResponse> | undefined>(
    (resolve, reject) =>
      client.checkConfig(request, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
  expect(
    response
      ?.getFailuresList()
      .map((failure) => failure.getReason())
      .sort(),
  ).toEqual([...mistakes].sort());
});

test("when the engine goes, a plugin ends with the commands it runs", async () => {
  const { plugin, client } = await start("command");
  const directory = await mkdtemp(path.join(tmpdir(), "orphan-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = path.join(directory, "pid");
  const inputs = { create: `sleep 600 & echo $! > ${file}; wait` };
  const request = new proto.CreateRequest()
    .setUrn(urn("command:local:Command"))
    .setProperties(struct.Struct.fromJavaScript(inputs));
  client.create(request, () => {});
  const pid = await vi.waitFor(async () => {
    const text = await readFile(file, "utf8");
    expect(text).toMatch(/^\d+\n$/);
    return Number(text);
  }, 20_000);

  const ended = once(plugin, "exit");
  // What the kernel does to the engine's end of the pipe when the engine is killed.
  plugin.stdin?.destroy();
  expect(await ended).toEqual([0, null]);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 10_000);
});
