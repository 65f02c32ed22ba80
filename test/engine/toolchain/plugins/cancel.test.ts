import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { local } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import { beforeEach, expect, test, vi } from "vitest";
import { baseImage, docker as engine, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await Sandbox.create();
  return () => sandbox.dispose();
});

const WITHIN = { timeout: 60_000, interval: 100 };

test("an interrupted up ends its build, its wait and its command with all that they started", async () => {
  const directory = path.join(sandbox.directory, "context");
  const base = await baseImage();
  await mkdir(directory);
  await writeFile(
    path.join(directory, "Dockerfile"),
    `FROM ${base}\nRUN echo ${sandbox.prefix} && sleep 600\n`,
  );
  const pids = path.join(sandbox.directory, "pids");
  const program = async () => {
    new docker.RemoteImage("img", { name: `${sandbox.prefix}:1`, build: { context: directory } });
    new docker.Container("c", {
      name: `${sandbox.prefix}-c`,
      image: base,
      command: ["sleep", "infinity"],
      networkMode: "none",
      healthcheck: { tests: ["CMD", "false"], interval: "1s" },
      wait: true,
      waitTimeout: 600,
    });
    new local.Command("cmd", { create: `sleep 600 & echo $! $$ > ${pids}; wait` });
  };
  const building = async () => {
    const containers = await engine.listContainers();
    return containers.filter(({ Command }) => Command.includes(`echo ${sandbox.prefix}`)).length;
  };
  const running = async () =>
    (await readFile(pids, "utf8").catch(() => "")).split(/\s+/).filter(Boolean).map(Number);

  const interrupt = new AbortController();
  const up = sandbox.up(program, interrupt.signal);
  await vi.waitFor(async () => {
    expect(await building()).toBe(1);
    expect(await running()).toHaveLength(2);
    expect((await engine.getContainer(`${sandbox.prefix}-c`).inspect()).State.Running).toBe(true);
  }, WITHIN);
  interrupt.abort();

  expect((await up).error).toBeDefined();
  for (const pid of await running()) {
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), WITHIN);
  }
  await vi.waitFor(async () => expect(await building()).toBe(0), WITHIN);
  // The container exists, so the state must know of it.
  expect((await sandbox.state("c")).initErrors?.join()).toContain("cancelled");
});
