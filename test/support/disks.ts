import { mkdirSync } from "node:fs";
import { execa } from "execa";

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
