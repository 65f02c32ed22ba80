import path from "node:path";
import { discontinuities } from "../../config/continuity.ts";
import { keyName } from "../../config/explain.ts";
import type { Manifest } from "../../config/manifest.ts";
import { SERVICES } from "../../config/names.ts";
import { limitsKey, publishedPorts, servicesOf } from "../../config/services.ts";
import type { Settings } from "../../config/settings.ts";
import { type Check, wrong } from "../base/check.ts";
import { tooOld } from "../docker/minimum-api.ts";

/** What the host looks like before anything changes. */
export interface HostFacts {
  platform: NodeJS.Platform;
  engine: { version: string; apiVersion: string; cpus: number; memoryBytes: number };
  /** Where the engine keeps images and named volumes, perhaps in a virtual machine; undefined when nobody can tell. */
  engineRoot: { path: string; freeBytes: number } | undefined;
  /** Names of the engine's volumes. */
  volumes: string[];
  containers: {
    name: string;
    running: boolean;
    home: string | undefined;
    stack: string | undefined;
    ports: number[];
  }[];
  networks: string[];
  /** Those of the networks that lead beyond the engine. */
  openNetworks: string[];
  /** Those of the settings' ports on 127.0.0.1 that something listens on. */
  busyPorts: number[];
  /** Manifest of this stack's last deployment. */
  deployed: Manifest | undefined;
  /** Whether the engine of the last deployment listens where this one does, under whatever path. */
  sameSocket: boolean;
  /** Stores of the last deployment whose directory is the settings' own, although its path is written otherwise. */
  respelled: string[];
  otherStacks: { stack: string; ports: number[] }[];
  /** What is wrong with whose the stack's directories are. */
  strangePlaces: Check[];
  dataRoot:
    | { path: string; keepsPermissions: boolean; freeBytes: number | undefined; error: string | undefined }
    | undefined;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A first deployment builds images and fills stores: what README asks for, and the guide's alert threshold. */
const FREE_AT_FIRST_BYTES = 10 * GIB;

/**
 * What README asks for, 4 GiB, less what a machine of that size keeps for itself. colima's machine has 2 when nothing is
 * said.
 */
const MEMORY_AT_FIRST_BYTES = 3.5 * GIB;

/** A stack that is there must still be mended on a disk that alerts; below this a database may not finish a write. */
const FREE_LATER_BYTES = 2 * GIB;

/**
 * Everything about this host that would make a deployment fail or harm data, found before anything changes.
 *
 * @returns what is wrong, with the setting or the command that mends it
 */
export function preflight(settings: Settings, facts: HostFacts): Check[] {
  return [
    ...engineMistakes(facts),
    ...cpuMistakes(settings, facts),
    ...memoryMistakes(settings, facts),
    ...portMistakes(settings, facts),
    ...containerMistakes(settings, facts),
    ...networkMistakes(settings, facts),
    ...dataRootMistakes(facts),
    ...facts.strangePlaces,
    ...engineRootMistakes(facts),
    ...(facts.deployed === undefined
      ? []
      : [
          ...discontinuities(settings, facts.deployed, facts.respelled).map((found) =>
            wrong("continuity", found),
          ),
          ...otherEngineMistakes(settings, facts, facts.deployed),
        ]),
  ];
}

/** What a person should know and may leave as it is: one line each. */
export function warnings(settings: Settings, facts: HostFacts): string[] {
  return [
    ...prometheusWarnings(settings, facts),
    ...grafanaWarnings(settings),
    ...sharedDirectoryWarnings(settings, facts),
    ...memoryWarnings(settings, facts),
    ...networkWarnings(settings, facts),
  ];
}

/** A stack of a version whose containers could reach anything: Docker cannot close a network that is there. */
function networkWarnings({ names, stack }: Settings, { openNetworks, deployed }: HostFacts): string[] {
  if (deployed === undefined || !openNetworks.includes(names.internalNetwork)) return [];
  return [
    `once, this up makes the network of stack ${stack} anew, without a way out, and with it all its containers; the memories ` +
      "stay as they are, and the stack does not answer for a minute or two",
  ];
}

function sharedDirectoryWarnings({ dataRoot, stack }: Settings, { platform, deployed }: HostFacts): string[] {
  if (platform !== "darwin" || dataRoot === undefined) return [];
  const name = keyName(["data", "root"]);
  return [
    `${name}: a Mac shares ${dataRoot} with Docker's virtual machine, and databases in such directories were corrupted ` +
      `(docker/for-mac#6690); ${
        deployed === undefined
          ? `named volumes are safe: take the setting out of Pulumi.${stack}.yaml`
          : "keep backups on another disk"
      }`,
  ];
}

/** What the services of the settings may take at most, all together. */
function limitBytes(settings: Settings): number {
  return servicesOf(settings)
    .map((service) => settings.resources[limitsKey(service)].memoryMb)
    .reduce((sum, megabytes) => sum + megabytes * MIB, 0);
}

/** On Linux the memory is the machine's own, which its owner knows, and the services seldom take all that they may. */
function memoryWarnings(settings: Settings, { engine: { memoryBytes }, platform }: HostFacts): string[] {
  const limits = limitBytes(settings);
  if (platform !== "darwin" || memoryBytes >= limits) return [];
  return [
    `Docker has ${inGib(memoryBytes)} of memory, and the services of this stack may take ${inGib(limits)} together; ` +
      `${moreMemory(platform)}, or lower ${keyName(["resources"])}`,
  ];
}

function grafanaWarnings({ grafana }: Settings): string[] {
  if (grafana !== "left-out") return [];
  return [
    "Grafana is left out: no image registry answered when this machine was set up; once one does: ./mem0 setup --way official, " +
      `or set ${keyName(["observability", "grafana", "mode"])}: external, or off`,
  ];
}

function prometheusWarnings(settings: Settings, facts: HostFacts): string[] {
  const { mode, container } = settings.observability.prometheus;
  if (mode !== "external" || externalPrometheusRuns(settings, facts)) return [];
  return [
    `${keyName(["observability", "prometheus", "container"])}: no container ${container} runs, so nothing scrapes this stack; ` +
      `start it, then: ./mem0 up ${settings.stack}`,
  ];
}

/** Whether the Prometheus that the settings name is there to be told about the stack. */
export function externalPrometheusRuns({ observability }: Settings, { containers }: HostFacts): boolean {
  const { container } = observability.prometheus;
  return containers.some(({ name, running }) => name === container && running);
}

function engineMistakes({ engine }: HostFacts): Check[] {
  const reason = tooOld(engine);
  return reason === undefined ? [] : [wrong("Docker", reason)];
}

function cpuMistakes({ resources }: Settings, { engine }: HostFacts): Check[] {
  return Object.entries(resources)
    .filter(([, { cpus }]) => cpus > engine.cpus)
    .map(([service, { cpus }]) =>
      wrong(
        `CPUs of ${service}`,
        `${keyName(["resources", service, "cpus"])}: is ${cpus}`,
        `allowed: at most ${engine.cpus}, all that Docker has`,
      ),
    );
}

function moreMemory(platform: NodeJS.Platform): string {
  return platform === "darwin"
    ? "give its virtual machine more (Docker Desktop, OrbStack: in the settings; colima start --memory 6)"
    : "this machine is too small";
}

function memoryMistakes({ resources }: Settings, facts: HostFacts): Check[] {
  const { engine, deployed, platform } = facts;
  const { memoryBytes } = engine;
  if (deployed === undefined && memoryBytes < MEMORY_AT_FIRST_BYTES) {
    const found = `Docker has ${inGib(memoryBytes)} of memory; needed: ${inGib(MEMORY_AT_FIRST_BYTES)}`;
    return [wrong("memory", found, moreMemory(platform))];
  }
  return Object.entries(resources)
    .filter(([, { memoryMb }]) => memoryMb * MIB > memoryBytes)
    .map(([service, { memoryMb }]) =>
      wrong(
        `memory of ${service}`,
        `${keyName(["resources", service, "memoryMb"])}: is ${memoryMb}; Docker has ${inGib(memoryBytes)} in all`,
        moreMemory(platform),
      ),
    );
}

/** Stores that nothing else can bring back; the others are made again. */
const KEPT_STORES = ["postgres", "neo4j", "data"];

/**
 * Another engine does not have the stack's volumes: the stack would start empty there. With directories of the host as
 * stores it would have them, beside the containers of the first engine that may still write to them.
 */
function otherEngineMistakes(settings: Settings, facts: HostFacts, deployed: Manifest): Check[] {
  const where =
    deployed.dockerHost === settings.dockerHost
      ? `the one at ${settings.dockerHost} at that time`
      : `the one at ${deployed.dockerHost}`;
  const mend =
    "start that engine, then: ./mem0 setup; should it be gone for good, with its volumes: " +
    `./mem0 down ${settings.stack} --delete-data, ./mem0 up ${settings.stack}, and restore a backup`;
  const stores = KEPT_STORES.map((store) => deployed.stores[store]).filter((place) => place !== undefined);
  const missing = stores.filter((place) => !path.isAbsolute(place) && !facts.volumes.includes(place));
  if (missing.length > 0) {
    const found = `the Docker engine at ${settings.dockerHost} has no volume ${missing.join(", ")}: this stack was deployed on ${where}`;
    return [wrong("volumes", found, mend)];
  }
  const runsHere = facts.containers.some(
    ({ home, stack }) => home === settings.homeId && stack === settings.stack,
  );
  if (facts.sameSocket || runsHere || stores.some((place) => !path.isAbsolute(place))) return [];
  return [
    wrong(
      "Docker",
      `this stack was deployed on another Docker engine, ${where}: two databases on the same files would destroy them`,
      "start that engine, then: ./mem0 setup; to move the stack for good, when nothing of it runs there any more: set " +
        `dockerHost in ${path.join(settings.stateDir, "manifest.json")} to ${settings.dockerHost}`,
    ),
  ];
}

function portMistakes(settings: Settings, { busyPorts, containers, otherStacks }: HostFacts): Check[] {
  const ours = (container: HostFacts["containers"][number]) =>
    container.stack === settings.stack && container.home === settings.homeId;
  return publishedPorts(settings).flatMap(([key, port]) => {
    const mistake = (found: string, mend: string) => [
      wrong(`port ${key}`, `${keyName(["ports", key])}: ${found}`, mend),
    ];
    const other = otherStacks.find(({ ports }) => ports.includes(port));
    if (other !== undefined) return mistake(`${port} belongs to stack ${other.stack}`, "take another port");
    const holder = containers.find(({ ports }) => ports.includes(port));
    if (holder !== undefined) {
      return ours(holder) ? [] : mistake(`${port} is used by container ${holder.name}`, "take another port");
    }
    if (!busyPorts.includes(port)) return [];
    return mistake(
      `something on this host listens on ${port} (lsof -i :${port})`,
      "stop it or take another port",
    );
  });
}

function containerMistakes(settings: Settings, { containers }: HostFacts): Check[] {
  const names = new Set(SERVICES.map((service) => settings.names.container(service)));
  return containers
    .filter(({ name, home }) => names.has(name) && home !== settings.homeId)
    .map(({ name }) =>
      wrong(
        name,
        `container ${name} exists and was not made by this set-up`,
        `keep its data, then: docker stop ${name} && docker rm ${name}`,
      ),
    );
}

function networkMistakes({ externalNetwork }: Settings, { networks }: HostFacts): Check[] {
  if (externalNetwork === undefined || externalNetwork.create || networks.includes(externalNetwork.name))
    return [];
  const { name } = externalNetwork;
  return [
    wrong(
      `network ${name}`,
      `${keyName(["network", "external", "name"])}: there is no Docker network ${name}`,
      `docker network create ${name}, or set ${keyName(["network", "external", "create"])}: true`,
    ),
  ];
}

function dataRootMistakes({ dataRoot, deployed }: HostFacts): Check[] {
  if (dataRoot === undefined) return [];
  const name = keyName(["data", "root"]);
  const { path, keepsPermissions, freeBytes, error } = dataRoot;
  if (error !== undefined) return [wrong("data root", `${name}: ${path} cannot be written: ${error}`)];
  if (!keepsPermissions) {
    return [
      wrong(
        "data root",
        `${name}: the file system of ${path} does not keep owners and modes`,
        "databases need one that does (APFS, ext4)",
      ),
    ];
  }
  return freeBytes === undefined ? [] : lackOfSpace(name, path, freeBytes, deployed);
}

function engineRootMistakes({ engineRoot, deployed }: HostFacts): Check[] {
  if (engineRoot === undefined) return [];
  const mend = "docker system df tells what takes it, docker image prune frees old images";
  return lackOfSpace("Docker's disk", engineRoot.path, engineRoot.freeBytes, deployed, mend);
}

function lackOfSpace(
  what: string,
  place: string,
  free: number,
  deployed: HostFacts["deployed"],
  mend?: string,
): Check[] {
  const needed = deployed === undefined ? FREE_AT_FIRST_BYTES : FREE_LATER_BYTES;
  if (free >= needed) return [];
  return [wrong("disk space", `${what}: ${inGib(free)} free at ${place}; needed: ${inGib(needed)}`, mend)];
}

function inGib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
