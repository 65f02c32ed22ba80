import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import type Docker from "dockerode";
import { LABELS } from "../../config/names.ts";
import { publishedPorts } from "../../config/services.ts";
import type { Settings } from "../../config/settings.ts";
import { withDocker } from "../docker/client.ts";
import { listManifests } from "./manifest-file.ts";
import type { HostFacts } from "./preflight.ts";

/** Looks at the host for everything that `preflight` judges. Changes nothing but a probe directory it removes. */
export async function gatherHostFacts(settings: Settings, stateHome: string): Promise<HostFacts> {
  const ports = publishedPorts(settings).map(([, port]) => port);
  const [docker, busyPorts] = await Promise.all([withDocker(settings.dockerHost, dockerFacts), busy(ports)]);
  const manifests = listManifests(stateHome);
  return {
    ...docker,
    busyPorts,
    deployed: manifests.find((manifest) => manifest.stack === settings.stack),
    otherStacks: manifests
      .filter((manifest) => manifest.stack !== settings.stack)
      .map(({ stack, services }) => ({
        stack,
        ports: Object.values(services).flatMap((service) => Object.values(service.ports)),
      })),
    dataRoot: settings.dataRoot === undefined ? undefined : probeDataRoot(settings.dataRoot, settings.runAs),
  };
}

type EngineFacts = Pick<HostFacts, "containers" | "networks" | "engine" | "engineRoot">;

async function dockerFacts(docker: Docker): Promise<EngineFacts> {
  const [version, info, containers, networks] = await Promise.all([
    docker.version(),
    docker.info() as Promise<{ NCPU: number; DockerRootDir: string }>,
    docker.listContainers({ all: true }),
    docker.listNetworks(),
  ]);
  return {
    engine: { version: version.Version, apiVersion: version.ApiVersion, cpus: info.NCPU },
    engineRoot: engineRoot(info.DockerRootDir),
    networks: networks.map((network) => network.Name),
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
function engineRoot(directory: string): HostFacts["engineRoot"] {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return { path: directory, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

async function busy(ports: number[]): Promise<number[]> {
  const answers = await Promise.all(ports.map(async (port) => ({ port, free: await isFree(port) })));
  return answers.filter(({ free }) => !free).map(({ port }) => port);
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
