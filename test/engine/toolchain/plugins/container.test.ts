import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { baseImage, docker as engine, freePort, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
let image: string;

beforeAll(async () => {
  image = await baseImage();
});

beforeEach(async () => {
  sandbox = await Sandbox.create();
  return () => sandbox.dispose();
});

const SLEEP = ["sleep", "infinity"];

/** Ends on SIGTERM within a moment, and leaves word in its volume. */
const POLITE = ["sh", "-c", "trap 'echo bye > /data/bye; exit 0' TERM; while :; do sleep 0.05; done"];

function container(args: Partial<docker.ContainerArgs> = {}, name = "c"): docker.Container {
  return new docker.Container(name, {
    name: `${sandbox.prefix}-${name}`,
    image,
    command: SLEEP,
    networkMode: "none",
    ...args,
  });
}

const inspect = (name = "c") => engine.getContainer(`${sandbox.prefix}-${name}`).inspect();

async function inside(command: string, name = "c"): Promise<string> {
  const exec = await engine
    .getContainer(`${sandbox.prefix}-${name}`)
    .exec({ Cmd: ["sh", "-c", command], AttachStdout: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = "";
  for await (const chunk of stream) output += chunk;
  return output.trim();
}

test("limits and the restart policy change in the running container", async () => {
  await sandbox.up(async () => void container({ memory: 64, memorySwap: 64, cpuShares: 512 }));
  const before = await inspect();
  const outcome = await sandbox.up(
    async () =>
      void container({ memory: 96, memorySwap: 96, cpuShares: 256, restart: "on-failure", maxRetryCount: 2 }),
  );
  const after = await inspect();
  expect(outcome.steps).toMatchObject([{ name: "c", op: "update" }]);
  expect(after.Id).toBe(before.Id);
  expect(after.HostConfig).toMatchObject({
    Memory: 96 * 1024 * 1024,
    MemorySwap: 96 * 1024 * 1024,
    CpuShares: 256,
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 },
  });
  expect(await sandbox.refresh()).toMatchObject({ steps: [] });
});

test("a changed environment replaces the container, after a stop with the old grace, and keeps its volume", async () => {
  const program = (env: string) => async () => {
    const volume = new docker.Volume("v", { name: `${sandbox.prefix}-v` });
    container({
      command: POLITE,
      envs: [env],
      mounts: [{ type: "volume", source: volume.name, target: "/data" }],
      destroyGraceSeconds: 20,
      removeVolumes: false,
    });
  };
  await sandbox.up(program("A=1"));
  const before = await inspect();
  const outcome = await sandbox.up(program("A=2"));
  const after = await inspect();
  expect(outcome.steps.map(({ op }) => op)).toEqual(["delete-replaced", "replace", "create-replacement"]);
  expect(after.Id).not.toBe(before.Id);
  expect(after.Config.Env).toContain("A=2");
  expect(await inside("cat /data/bye")).toBe("bye");
});

test("a container removed by hand is invisible to a preview, found by a refresh and made again", async () => {
  const program = async () => void container();
  await sandbox.up(program);
  await engine.getContainer(`${sandbox.prefix}-c`).remove({ force: true });
  expect(await sandbox.preview(program)).toMatchObject({ steps: [] });
  expect(await sandbox.refresh()).toMatchObject({ steps: [{ name: "c", op: "delete" }] });
  expect(await sandbox.up(program)).toMatchObject({ steps: [{ name: "c", op: "create" }], error: undefined });
  expect((await inspect()).State.Running).toBe(true);
});

test("a container stopped by hand is started again, and replaced when it publishes ports", async () => {
  const port = await freePort();
  const program = async () => {
    container({}, "plain");
    const ports = [{ internal: 80, external: port, ip: "127.0.0.1" }];
    container({ networkMode: "bridge", ports }, "published");
  };
  await sandbox.up(program);
  const [plain, published] = [await inspect("plain"), await inspect("published")];
  for (const { Id } of [plain, published]) await engine.getContainer(Id).stop({ t: 0 });

  const refreshed = await sandbox.refresh();
  expect(refreshed.steps.map(({ name, op }) => ({ name, op }))).toEqual(
    expect.arrayContaining([
      { name: "plain", op: "update" },
      { name: "published", op: "update" },
    ]),
  );
  const outcome = await sandbox.up(program);
  expect(outcome.error).toBeUndefined();
  expect(outcome.steps.filter(({ name }) => name === "plain")).toMatchObject([
    { op: "update", diff: ["mustRun"] },
  ]);
  expect(outcome.steps.filter(({ op }) => op === "replace")).toMatchObject([
    { name: "published", replace: ["ports"] },
  ]);
  expect(await inspect("plain")).toMatchObject({ Id: plain.Id, State: { Running: true } });
  expect((await inspect("published")).Id).not.toBe(published.Id);
  expect(await sandbox.refresh()).toMatchObject({ steps: [] });
});

test("a container that does not become healthy fails the up, stays in the state, and the next up replaces it", async () => {
  const program = (probe: string) => async () =>
    void container({
      healthcheck: { tests: ["CMD-SHELL", probe], interval: "1s", timeout: "1s", retries: 1 },
      wait: true,
      waitTimeout: 3,
    });
  const failed = await sandbox.up(program("echo no such luck; exit 3"));
  expect(failed.error).toBeDefined();
  const told = failed.messages.map(({ text }) => text).join("\n");
  expect(told).toMatch(/not healthy within 3 s, but unhealthy; its last probe ended with 3: no such luck/);
  const first = await inspect();
  expect((await sandbox.state("c")).initErrors).toHaveLength(1);

  const again = await sandbox.up(program("echo no such luck; exit 3"));
  expect(again.steps.map(({ op }) => op)).toContain("replace");
  expect(again.error).toBeDefined();

  const mended = await sandbox.up(program("true"));
  expect(mended.error).toBeUndefined();
  expect((await inspect()).Id).not.toBe(first.Id);
  expect((await sandbox.state("c")).initErrors).toBeUndefined();
  expect(await sandbox.preview(program("true"))).toMatchObject({ steps: [] });
});

test("a container that ends at once fails the up with its last words", async () => {
  const command = ["sh", "-c", "echo out of luck >&2; exit 7"];
  const failed = await sandbox.up(async () => void container({ command }));
  const told = failed.messages.map(({ text }) => text).join("\n");
  expect(told).toMatch(/it ended with exit code 7\s+The end of its log:\s+out of luck/);
  const may = await sandbox.up(async () => void container({ command, mustRun: false }));
  expect(may.error).toBeUndefined();
});

test("anonymous volumes go with their container unless removeVolumes is false", async () => {
  const mounts = [{ type: "volume", target: "/scratch" }];
  await sandbox.up(async () => {
    container({ mounts }, "tidy");
    container({ mounts, removeVolumes: false }, "keeping");
  });
  const volumeOf = async (name: string) =>
    (await inspect(name)).Mounts.map((mount) => mount.Name ?? "").join();
  const [tidy, keeping] = [await volumeOf("tidy"), await volumeOf("keeping")];
  await sandbox.destroy();
  await expect(engine.getVolume(tidy).inspect()).rejects.toMatchObject({ statusCode: 404 });
  expect((await engine.getVolume(keeping).inspect()).Name).toBe(keeping);
  await engine.getVolume(keeping).remove();
});

test("a name that is taken fails as Docker does, and touches nothing", async () => {
  const name = `${sandbox.prefix}-c`;
  const other = await engine.createContainer({ name, Image: image, Cmd: SLEEP });
  const outcome = await sandbox.up(async () => void container());
  expect(outcome.error).toBeDefined();
  expect(outcome.messages.map(({ text }) => text).join()).toMatch(/Docker answers \(409\).*already in use/);
  expect((await inspect()).Id).toBe(other.id);
});

test("a preview works with values that are not known yet", async () => {
  const program = async () => {
    const network = new docker.Network("n", { name: `${sandbox.prefix}-n` });
    const first = container({ networkMode: "bridge", networksAdvanced: [{ name: network.name }] }, "first");
    const address = first.networkDatas.apply((datas) => datas[0]?.ipAddress ?? "");
    container(
      { envs: [pulumi.interpolate`PEER=${address}`], labels: [{ label: "peer", value: first.id }] },
      "second",
    );
  };
  const outcome = await sandbox.preview(program);
  expect(outcome.error).toBeUndefined();
  expect(outcome.steps.filter(({ op }) => op === "create").map(({ name }) => name)).toEqual(
    expect.arrayContaining(["n", "first", "second"]),
  );
  expect(await sandbox.up(program)).toMatchObject({ error: undefined });
  expect((await inspect("second")).Config.Env).toContainEqual(expect.stringMatching(/^PEER=\d+\./));
});

test("secrets given to a container are encrypted in the state", async () => {
  const value = `hidden-${sandbox.prefix}`;
  await sandbox.up(
    async () =>
      void container({
        envs: [pulumi.secret(`KEY=${value}`), "PLAIN=1"],
        labels: [{ label: "key", value: pulumi.secret(value) }],
      }),
  );
  expect((await inspect()).Config.Env).toContain(`KEY=${value}`);
  expect(await sandbox.storedState()).not.toContain(value);
  await sandbox.refresh();
  expect(await sandbox.storedState()).not.toContain(value);
});

test("a wrong value is refused with its place", async () => {
  const outcome = await sandbox.preview(
    async () =>
      void container({
        memory: 0.5,
        restart: "sometimes",
        healthcheck: { tests: ["CMD", "true"], interval: "soon" },
        mounts: [{ type: "bind", source: "/x", target: "/y", bindOptions: { propagation: "shared" } }],
        networksAdvanced: [{ name: "n", macAddress: "02:42:ac:11:00:02" }],
      }),
  );
  const told = outcome.messages.map(({ text }) => text).join("\n");
  expect(told).toContain('"memory": must be a whole number.');
  expect(told).toContain('"restart": must be one of no, on-failure, always, unless-stopped.');
  expect(told).toContain('"healthcheck.interval": must be a duration such as 30s or 1m30s.');
  expect(told).toContain('"mounts[0].bindOptions": not implemented');
  expect(told).toContain('"networksAdvanced[0].macAddress": not implemented');
});
