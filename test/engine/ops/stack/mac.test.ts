import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { acquireLock, releaseLock } from "../../../../ops/base/process-lock.ts";
import { connectDocker } from "../../../../ops/docker/client.ts";
import { Throwaway } from "../../../../ops/docker/throwaway.ts";
import { deployedService, likeDeployed } from "../../../../ops/stack/deployed-service.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { freeInMachine, isSameFile } from "../../../../ops/stack/host-facts.ts";
import { readMachine } from "../../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../../toolchain/layout.ts";
import { withDesktopEngine } from "../../../harness/support/desktop-engine.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { withCaseInsensitiveDisk } from "../../../harness/support/mac-disks.ts";
import { needing } from "../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const { docker: engine, baseImage } = readMachine(CHECKOUT);
const owner = { stack: "macs", homeId: "mac-tests" };

needing("a Mac's disks").describe("on a disk that takes upper and lower case for the same", () => {
  it("a data root is found under whatever letters, and a lock is one lock", async () => {
    const disk = path.join(scratch.path, "disk");
    await withCaseInsensitiveDisk(disk, async () => {
      const [lower, mixed] = [path.join(disk, "mem0-data"), path.join(disk, "Mem0-Data")];
      mkdirSync(path.join(lower, "postgres"), { recursive: true });
      expect(isSameFile(path.join(lower, "postgres"), path.join(mixed, "Postgres"))).toBe(true);
      expect(isSameFile(lower, path.join(mixed, "postgres"))).toBe(false);
      expect(acquireLock(path.join(lower, "lock"))).toBeUndefined();
      expect(acquireLock(path.join(mixed, "Lock"))).toMatchObject({ pid: process.pid });
      releaseLock(path.join(mixed, "LOCK"));
      expect(acquireLock(path.join(lower, "lock"))).toBeUndefined();
    });
  });
});

describe("the disk of the engine", () => {
  it("is seen from inside a container, where this host cannot look at it", async () => {
    const found = await freeInMachine(connectDocker(engine.host), { ...owner, baseImage });
    expect(found?.freeBytes).toBeGreaterThan(1024 ** 2);
  });

  it("is nobody's to tell when the engine refuses the container", async () => {
    const none = { ...owner, baseImage: "mem0/base:none" };
    expect(await freeInMachine(connectDocker(engine.host), none)).toBeUndefined();
  });
});

describe("a service whose data lies in a directory of the Mac", () => {
  it("lends it to another container by its own path, although Docker Desktop tells another", async () => {
    const store = path.join(scratch.path, "mem0-data", "postgres");
    mkdirSync(store, { recursive: true });
    writeFileSync(path.join(store, "word"), "bees");
    const name = "mem0_postgres_macs";
    await execa("docker", ["rm", "--force", name], { reject: false });
    await execa("docker", ["create", "--name", name, "--volume", `${store}:/data`, baseImage, "true"]);
    try {
      await withDesktopEngine(engine.host, path.join(scratch.path, "desktop.sock"), async (dockerHost) => {
        const services = { postgres: { container: name, image: baseImage, ports: {} } };
        const manifest = exampleManifest({ ...owner, dockerHost, services, stores: { postgres: store } });
        const stack = new DeployedStack(manifest, scratch.path);
        const told = await stack.docker.getContainer(name).inspect();
        expect(told.Mounts.map(({ Source }) => Source)).toEqual([`/host_mnt${store}`]);
        const service = await deployedService(stack, "postgres");
        const throwaway = await Throwaway.open(stack.docker, owner, "lend");
        const read = { ...likeDeployed(service), entrypoint: ["cat"], command: ["/store/word"] };
        const ended = await throwaway.run({ ...read, readOnlyStores: { "/store": service.store } });
        expect(ended).toMatchObject({ exitCode: 0, stdout: "bees" });
        const wrong = { ...read, readOnlyStores: { "/store": told.Mounts[0]?.Source ?? "" } };
        await expect(throwaway.run(wrong)).rejects.toThrow("bind source path does not exist");
      });
    } finally {
      await execa("docker", ["rm", "--force", name]);
    }
  });
});
