import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import type Docker from "dockerode";
import { placeOf } from "../../config/continuity.ts";
import { LABELS } from "../../config/names.ts";
import { publishedPorts } from "../../config/services.ts";
import type { Settings } from "../../config/settings.ts";
import { socketOf, withDocker } from "../docker/client.ts";
import { Throwaway } from "../docker/throwaway.ts";
import { findManifest, listManifests } from "./manifest-file.ts";
import { strangePlaces } from "./own-places.ts";
import type { HostFacts } from "./preflight.ts";

/** A connection within this machine takes no longer. */
const CONNECT_MS = 2_000;

/** Looks at the host for everything that `preflight` judges. Changes nothing but a probe directory it removes. */
export async function gatherHostFacts(settings: Settings, stateHome: string): Promise<HostFacts> {
  const ports = publishedPorts(settings).map(([, port]) => port);
  const [docker, busyPorts] = await Promise.all([
    withDocker(settings.dockerHost, (client) => dockerFacts(client, settings)),
    busy(ports),
  ]);
  const manifests = listManifests(stateHome);
  const deployed = findManifest(stateHome, settings.stack);
  return {
    ...docker,
    strangePlaces: strangePlaces(settings),
    platform: process.platform,
    busyPorts,
    deployed,
    sameSocket:
      deployed === undefined || isSameFile(socketOf(deployed.dockerHost), socketOf(settings.dockerHost)),
    respelled: Object.entries(deployed?.stores ?? {})
      .filter(([store, was]) => path.isAbsolute(was) && isSameFile(was, placeOf(settings, store)))
      .map(([store]) => store),
    otherStacks: manifests
      .filter((manifest) => manifest.stack !== settings.stack)
      .map(({ stack, services }) => ({
        stack,
        ports: Object.values(services).flatMap((service) => Object.values(service.ports)),
      })),
    dataRoot: settings.dataRoot === undefined ? undefined : probeDataRoot(settings.dataRoot, settings.runAs),
  };
}

/**
 * Whether two paths lead to one file or directory: by links, or by other letters on a disk that does not tell upper from
 * lower case, as a Mac's.
 */
export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true;
  const [first, second] = [one, other].map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

type EngineFacts = Pick<
  HostFacts,
  "containers" | "networks" | "openNetworks" | "volumes" | "engine" | "engineRoot"
>;

async function dockerFacts(docker: Docker, settings: Settings): Promise<EngineFacts> {
  const [version, info, containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.version(),
    docker.info() as Promise<{ NCPU: number; MemTotal: number; DockerRootDir: string }>,
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return {
    engine: {
      version: version.Version,
      apiVersion: version.ApiVersion,
      cpus: info.NCPU,
      memoryBytes: info.MemTotal,
    },
    engineRoot: freeOnHost(info.DockerRootDir) ?? (await freeInMachine(docker, settings)),
    networks: networks.map((network) => network.Name),
    openNetworks: networks.filter((network) => !network.Internal).map((network) => network.Name),
    volumes: (volumes ?? []).map((volume) => volume.Name),
    containers: containers.map((container) => ({
      name: (container.Names[0] ?? container.Id).replace(/^\//, ""),
      running: container.State === "running",
      home: container.Labels[LABELS.home],
      stack: container.Labels[LABELS.stack],
      ports: container.Ports.flatMap((port) => (port.PublicPort === undefined ? [] : [port.PublicPort])),
    })),
  };
}

/** The engine's directory, if it is on this host. */
function freeOnHost(directory: string): HostFacts["engineRoot"] {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return { path: directory, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

/**
 * The disk of the engine's virtual machine, as a container sees it: images, volumes and the containers' own layers lie
 * on one disk there. Nothing when the engine refuses the container, as while another run asks the same.
 */
export async function freeInMachine(
  docker: Docker,
  { stack, homeId, baseImage }: Pick<Settings, "stack" | "homeId" | "baseImage">,
): Promise<HostFacts["engineRoot"]> {
  try {
    const throwaway = await Throwaway.open(docker, { stack, homeId }, "room");
    const { exitCode, stdout } = await throwaway.run({
      image: baseImage,
      entrypoint: ["df"],
      command: ["--output=avail", "--block-size=1", "/"],
      user: "10001:10001",
    });
    const freeBytes = Number(stdout.trim().split("\n").at(-1));
    if (exitCode !== 0 || !Number.isSafeInteger(freeBytes)) return undefined;
    return { path: "/ of a container in its virtual machine", freeBytes };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === undefined) throw error;
    return undefined;
  }
}

async function busy(ports: number[]): Promise<number[]> {
  const answers = await Promise.all(ports.map(async (port) => ({ port, busy: await isBusy(port) })));
  return answers.filter((answer) => answer.busy).map(({ port }) => port);
}

/** A Mac lets a program listen on 127.0.0.1 beside one that listens on all addresses: whether one does is asked too. */
async function isBusy(port: number): Promise<boolean> {
  return !(await isFree(port)) || answers(port);
}

/** Whether somebody takes connections to a port of 127.0.0.1. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.setTimeout(CONNECT_MS, () => end(false));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Tries on the nearest existing directory whether files there can keep modes and owners. */
function probeDataRoot(root: string, owner: Settings["runAs"]): HostFacts["dataRoot"] {
  let existing = root;
  while (!existsSync(existing)) existing = path.dirname(existing);
  try {
    const probe = mkdtempSync(path.join(existing, ".mem0-probe-"));
    try {
      chmodSync(probe, 0o700);
      if (process.getuid?.() === 0) chownSync(probe, owner.uid, owner.gid);
      const { mode, uid } = statSync(probe);
      const owned = process.getuid?.() !== 0 || uid === owner.uid;
      const { bavail, bsize } = statfsSync(existing);
      return {
        path: root,
        keepsPermissions: (mode & 0o777) === 0o700 && owned,
        freeBytes: bavail * bsize,
        error: undefined,
      };
    } finally {
      rmSync(probe, { recursive: true });
    }
  } catch (error) {
    return { path: root, keepsPermissions: false, freeBytes: undefined, error: (error as Error).message };
  }
}
