import * as docker from "@pulumi/docker";
import { beforeEach, expect, test } from "vitest";
import { baseImage, docker as engine, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await Sandbox.create();
  return () => sandbox.dispose();
});

test("a network's new label makes new its containers too, which keep their aliases and addresses", async () => {
  const image = await baseImage();
  const program = (value: string) => async () => {
    const network = new docker.Network("n", {
      name: `${sandbox.prefix}-n`,
      internal: true,
      labels: [{ label: "l", value }],
      ipamConfigs: [{ subnet: "10.213.77.0/24" }],
    });
    new docker.Container("c", {
      name: `${sandbox.prefix}-c`,
      image,
      command: ["sleep", "infinity"],
      networksAdvanced: [{ name: network.name, aliases: ["db", "store"], ipv4Address: "10.213.77.9" }],
    });
  };
  await sandbox.up(program("1"));
  const before = await engine.getContainer(`${sandbox.prefix}-c`).inspect();
  const outcome = await sandbox.up(program("2"));
  expect(outcome.error).toBeUndefined();
  const after = await engine.getContainer(`${sandbox.prefix}-c`).inspect();
  expect(after.Id).not.toBe(before.Id);
  const { [`${sandbox.prefix}-n`]: endpoint, ...others } = after.NetworkSettings.Networks;
  expect(others).toEqual({});
  expect(endpoint).toMatchObject({
    IPAddress: "10.213.77.9",
    Aliases: expect.arrayContaining(["db", "store"]),
  });
  const network = await engine.getNetwork(`${sandbox.prefix}-n`).inspect();
  expect(network).toMatchObject({ Internal: true, Labels: { l: "2" } });
  expect(await sandbox.refresh()).toMatchObject({ steps: [] });
});

test("existing things are imported as they are, and then managed", async () => {
  const name = `${sandbox.prefix}-v`;
  await engine.createVolume({ Name: name, Labels: { owner: "me" } });
  const { id: networkId } = await engine.createNetwork({ Name: `${sandbox.prefix}-n`, CheckDuplicate: true });
  const { id: containerId } = await engine.createContainer({
    name: `${sandbox.prefix}-c`,
    Image: await baseImage(),
    Cmd: ["sleep", "infinity"],
    HostConfig: { NetworkMode: "none" },
  });
  await engine.getContainer(containerId).start();
  const image = await baseImage();
  const program = (imported: boolean) => async () => {
    const from = (id: string) => (imported ? { import: id } : {});
    new docker.Volume("v", { name, labels: [{ label: "owner", value: "me" }] }, from(name));
    new docker.Network("n", { name: `${sandbox.prefix}-n` }, from(networkId));
    const args = { name: `${sandbox.prefix}-c`, image, command: ["sleep", "infinity"], networkMode: "none" };
    new docker.Container("c", args, from(containerId));
  };
  const outcome = await sandbox.up(program(true));
  expect(outcome.error).toBeUndefined();
  expect(new Set(outcome.steps.map(({ op }) => op))).toEqual(new Set(["create", "import"]));
  expect(await sandbox.up(program(false))).toMatchObject({ steps: [], error: undefined });
  expect((await engine.getContainer(`${sandbox.prefix}-c`).inspect()).Id).toBe(containerId);

  expect(await sandbox.destroy()).toMatchObject({ error: undefined });
  await expect(engine.getVolume(name).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test("a volume or network removed by hand is found by a refresh", async () => {
  const program = async () => {
    new docker.Volume("v", { name: `${sandbox.prefix}-v` });
    new docker.Network("n", { name: `${sandbox.prefix}-n` });
  };
  await sandbox.up(program);
  await engine.getVolume(`${sandbox.prefix}-v`).remove();
  await engine.getNetwork(`${sandbox.prefix}-n`).remove();
  const refreshed = await sandbox.refresh();
  expect(refreshed.steps.map(({ name, op }) => `${op} ${name}`).sort()).toEqual(["delete n", "delete v"]);
});

test("ignoreChanges keeps a volume whose labels have moved away", async () => {
  const program = (value: string) => async () => {
    const args = { name: `${sandbox.prefix}-v`, labels: [{ label: "l", value }] };
    new docker.Volume("v", args, { ignoreChanges: ["labels"] });
  };
  await engine.createVolume({ Name: `${sandbox.prefix}-v`, Labels: { l: "old" } });
  await sandbox.up(program("one"));
  expect((await sandbox.state("v")).outputs.labels).toEqual([{ label: "l", value: "old" }]);
  expect(await sandbox.up(program("two"))).toMatchObject({ steps: [], error: undefined });
});

test("a second network of the same name is refused, as Docker does when asked to", async () => {
  await engine.createNetwork({ Name: `${sandbox.prefix}-n`, CheckDuplicate: true });
  const outcome = await sandbox.up(async () => void new docker.Network("n", { name: `${sandbox.prefix}-n` }));
  expect(outcome.messages.map(({ text }) => text).join()).toMatch(
    /creating network .*: Docker answers \(409\)/,
  );
});
