import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectDocker } from "../../../../ops/docker/client.ts";
import { execInContainer } from "../../../../ops/docker/command.ts";
import { Throwaway } from "../../../../ops/docker/throwaway.ts";
import { readMachine } from "../../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../../toolchain/layout.ts";

const { baseImage, docker: engine } = readMachine(CHECKOUT);
const docker = connectDocker(engine.host);
const owner = { stack: "throwaway", homeId: "tests" };
const sleeper = { image: baseImage, entrypoint: ["sleep"], command: ["600"] };

describe("throw-away containers", () => {
  let throwaway: Throwaway;

  beforeAll(async () => {
    throwaway = await Throwaway.open(docker, owner, "tests");
  });

  afterAll(() => throwaway.remove());

  it("have no network, and know themselves by name", async () => {
    const container = await throwaway.start("one", sleeper);
    const { stdout } = await execInContainer(docker, container, [
      "sh",
      "-c",
      "ls /sys/class/net; getent hosts one",
    ]);
    expect(stdout.split(/\s+/)).toEqual(["lo", "127.0.0.1", "one", ""]);
  });

  it("are removed by the next run when theirs was killed, with volumes", async () => {
    const volume = await throwaway.volume("data");
    throwaway = await Throwaway.open(docker, owner, "tests");
    await expect(docker.getContainer("mem0_tests_throwaway_one").inspect()).rejects.toThrow();
    await expect(docker.getVolume(volume).inspect()).rejects.toThrow();
    expect(await throwaway.start("one", sleeper)).toBe("mem0_tests_throwaway_one");
  });

  it("that are to become ready, and end before, say why instead of being waited for", async () => {
    const complaint = "echo 'the store is of another version' >&2; exit 1";
    const container = await throwaway.start("ended", {
      image: baseImage,
      entrypoint: ["bash", "-c"],
      command: [complaint],
    });
    await expect(
      throwaway.untilReady(container, ["false"], { what: "Postgres", seconds: 600 }),
    ).rejects.toThrow(/^the throw-away Postgres does not start: the store is of another version$/);
  });
});
