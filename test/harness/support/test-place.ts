import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execaSync } from "execa";
import { LABELS } from "../../../config/names.ts";
import { homeIdOf } from "../../../config/settings.ts";
import { acquireLock, describeHolder, releaseLock } from "../../../ops/base/process-lock.ts";

/** A directory where tests have stacks of their own. */
export interface TestPlace {
  directory: string;
  /** The state home of its stacks. */
  stateHome: string;
  remove: () => void;
}

const uid = process.getuid?.() ?? 0;

/**
 * The place of the tests that are called `name`: the same in every run, so that what a killed run left there and in
 * Docker is known to be theirs, and is removed first.
 *
 * @throws Error when the same tests are at work
 */
export function testPlace(name: string): TestPlace {
  const directory = path.join(os.tmpdir(), `mem0-tests-${uid}`, name);
  const stateHome = path.join(directory, "home");
  const lock = `${directory}.lock`;
  const holder = acquireLock(lock);
  if (holder !== undefined)
    throw new Error(`the tests "${name}" run already: ${describeHolder(holder)}; wait until they have ended`);
  const volumes = removeFromDocker(homeIdOf(stateHome));
  unmount([directory, ...volumes.map(mountpointOf)]);
  for (const volume of volumes) docker("volume", "rm", "--force", volume);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    directory,
    stateHome,
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
      releaseLock(lock);
    },
  };
}

/** @returns names of the volumes that the removed containers had, which bear no label */
function removeFromDocker(homeId: string): string[] {
  const labelled = ["--quiet", "--filter", `label=${LABELS.home}=${homeId}`];
  const containers = lines(docker("ps", "--all", ...labelled));
  const networks = lines(docker("network", "ls", ...labelled));
  const mounted = "{{range .Mounts}}{{if .Name}}{{println .Name}}{{end}}{{end}}";
  const volumes = containers.flatMap((id) => lines(docker("inspect", "--format", mounted, id)));
  if (containers.length > 0) docker("rm", "--force", ...containers);
  if (networks.length > 0) docker("network", "rm", ...networks);
  return [...new Set(volumes)].filter((volume) => lines(docker("volume", "ls", "--quiet")).includes(volume));
}

const mountpointOf = (volume: string) => docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume);

/** Small disks that were mounted below these directories, the last one first. */
function unmount(directories: readonly string[]): void {
  if (!existsSync("/proc/mounts")) return;
  const places = lines(readFileSync("/proc/mounts", "utf8")).map((line) => line.split(" ")[1] ?? "");
  const isBelow = (place: string) =>
    directories.some((directory) => place === directory || place.startsWith(`${directory}/`));
  for (const place of places.filter(isBelow).toReversed()) execaSync("umount", [place]);
}

function docker(...args: string[]): string {
  return execaSync("docker", args).stdout;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
