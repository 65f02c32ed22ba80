import { mkdirSync, rmSync, statfsSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { untilReady } from "../../../ops/server/readiness.ts";
import { docker, type WatchedStack } from "./watched-stack.ts";

/**
 * Something mounted at a directory for as long as `use` needs it.
 *
 * @param what arguments of `mount` before the place
 */
export async function withMount(what: string[], place: string, use: () => Promise<void>): Promise<void> {
  mkdirSync(place, { recursive: true });
  await execa("mount", [...what, place]);
  try {
    await use();
  } finally {
    await execa("umount", [place]);
  }
}

/** A disk of 64 MB in exFAT, which knows neither hard links nor permissions. */
export async function withExfat(place: string, use: () => Promise<void>): Promise<void> {
  const image = `${place}.image`;
  await execa("truncate", ["--size=64M", image]);
  await execa("mkfs.exfat", [image]);
  const { stdout: device } = await execa("losetup", ["--find", "--show", image]);
  try {
    await withMount(["-t", "exfat-fuse", device], place, use);
  } finally {
    await execa("losetup", ["--detach", device]);
  }
}

export const MIB = 1024 ** 2;

/**
 * Postgres' data of a stack on a disk of its own in memory. What is written there is gone afterwards.
 *
 * @param use gets what fills the disk until only so many bytes are free
 */
export async function withSmallDisk(
  stack: WatchedStack,
  largest: number,
  use: (leave: (free: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const [server, postgres] = [stack.container("server"), stack.container("postgres")];
  const volume = await docker(
    "volume",
    "inspect",
    "--format",
    "{{.Mountpoint}}",
    stack.manifest.stores.postgres ?? "",
  );
  const disk = path.join(stack.project.directory, "small-disk");
  const serve = async () => {
    await docker("start", postgres, server);
    await untilReady(stack.deployed, () => {});
  };
  const leave = async (free: number) => {
    const ballast = path.join(disk, "ballast");
    rmSync(ballast, { force: true });
    const { bavail, bsize } = statfsSync(disk);
    await execa("fallocate", ["--length", String(bavail * bsize - free), ballast]);
  };
  await docker("stop", server, postgres);
  const { stdout } = await execa("du", ["--summarize", "--block-size=1", volume]);
  const size = Number.parseInt(stdout, 10) + largest + 256 * MIB;
  try {
    await withMount(["-t", "tmpfs", "-o", `size=${size}`, "tmpfs"], disk, async () => {
      await execa("cp", ["--archive", `${volume}/.`, disk]);
      await withMount(["--bind", disk], volume, async () => {
        try {
          await serve();
          await use(leave);
        } finally {
          await docker("stop", server, postgres);
        }
      });
    });
  } finally {
    await serve();
  }
}
