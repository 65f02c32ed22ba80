import { mkdirSync } from "node:fs";
import { execa } from "execa";

/**
 * A disk that takes upper and lower case for the same, and keeps owners, modes and hard links, as a Mac's APFS does: NTFS
 * through FUSE. Linux has no other that is told so by the mount alone.
 */
export async function withCaseInsensitiveDisk(place: string, use: () => Promise<void>): Promise<void> {
  const image = `${place}.image`;
  await execa("truncate", ["--size=64M", image]);
  await execa("mkntfs", ["--quick", "--force", image]);
  mkdirSync(place, { recursive: true });
  await execa("lowntfs-3g", ["-o", "ignore_case,permissions", image, place]);
  await used(place, use);
}

/**
 * A directory as Docker Desktop and colima show one of the Mac's to containers: whoever looks owns everything, and owners
 * cannot be changed; or, as some of their versions, root owns it all.
 */
export async function withMacShare(
  directory: string,
  place: string,
  owner: { uid: number } | "root",
  use: () => Promise<void>,
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  mkdirSync(place, { recursive: true });
  const owned =
    owner === "root" ? ["--force-user=0", "--force-group=0", "--perms=0755"] : [`--mirror=${owner.uid}`];
  await execa("bindfs", [...owned, "--chown-deny", directory, place]);
  await used(place, use);
}

async function used(place: string, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } finally {
    await execa("umount", [place]);
  }
}
