import { discontinuities } from "../../config/continuity.ts";
import { keyName } from "../../config/explain.ts";
import type { Manifest } from "../../config/manifest.ts";
import { SERVICES } from "../../config/names.ts";
import { publishedPorts } from "../../config/services.ts";
import type { Settings } from "../../config/settings.ts";
import { tooOld } from "../docker/minimum-api.ts";

/** What the host looks like before anything changes. */
export interface HostFacts {
  engine: { version: string; apiVersion: string; cpus: number };
  /** Where the engine keeps images and named volumes; undefined when that is in a virtual machine. */
  engineRoot: { path: string; freeBytes: number } | undefined;
  containers: {
    name: string;
    running: boolean;
    home: string | undefined;
    stack: string | undefined;
    ports: number[];
  }[];
  networks: string[];
  /** Those of the settings' ports on 127.0.0.1 that something listens on. */
  busyPorts: number[];
  /** Manifest of this stack's last deployment. */
  deployed: Manifest | undefined;
  otherStacks: { stack: string; ports: number[] }[];
  dataRoot:
    | { path: string; keepsPermissions: boolean; freeBytes: number | undefined; error: string | undefined }
    | undefined;
}

const GIB = 1024 ** 3;

/** A first deployment builds images and fills stores: what README asks for, and the guide's alert threshold. */
const FREE_AT_FIRST_BYTES = 10 * GIB;

/** A stack that is there must still be mended on a disk that alerts; below this a database may not finish a write. */
const FREE_LATER_BYTES = 2 * GIB;

/**
 * Everything about this host that would make a deployment fail or harm data, found before anything changes.
 *
 * @returns one line per mistake, with the setting or the command that mends it
 */
export function preflight(settings: Settings, facts: HostFacts): string[] {
  return [
    ...engineMistakes(facts),
    ...cpuMistakes(settings, facts),
    ...portMistakes(settings, facts),
    ...containerMistakes(settings, facts),
    ...networkMistakes(settings, facts),
    ...dataRootMistakes(facts),
    ...engineRootMistakes(facts),
    ...(facts.deployed === undefined ? [] : discontinuities(settings, facts.deployed)),
  ];
}

/** What a person should know and may leave as it is: one line each. */
export function warnings(settings: Settings, facts: HostFacts): string[] {
  return [...prometheusWarnings(settings, facts), ...grafanaWarnings(settings)];
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

function engineMistakes({ engine }: HostFacts): string[] {
  const reason = tooOld(engine);
  return reason === undefined ? [] : [reason];
}

function cpuMistakes({ resources }: Settings, { engine }: HostFacts): string[] {
  return Object.entries(resources)
    .filter(([, { cpus }]) => cpus > engine.cpus)
    .map(
      ([service, { cpus }]) =>
        `${keyName(["resources", service, "cpus"])}: is ${cpus}; allowed: at most ${engine.cpus}, all that Docker has`,
    );
}

function portMistakes(settings: Settings, { busyPorts, containers, otherStacks }: HostFacts): string[] {
  const ours = (container: HostFacts["containers"][number]) =>
    container.stack === settings.stack && container.home === settings.homeId;
  return publishedPorts(settings).flatMap(([key, port]) => {
    const name = keyName(["ports", key]);
    const other = otherStacks.find(({ ports }) => ports.includes(port));
    if (other !== undefined) return [`${name}: ${port} belongs to stack ${other.stack}; take another port`];
    const holder = containers.find(({ ports }) => ports.includes(port));
    if (holder !== undefined) {
      return ours(holder) ? [] : [`${name}: ${port} is used by container ${holder.name}; take another port`];
    }
    if (!busyPorts.includes(port)) return [];
    return [
      `${name}: something on this host listens on ${port} (lsof -i :${port}); stop it or take another port`,
    ];
  });
}

function containerMistakes(settings: Settings, { containers }: HostFacts): string[] {
  const names = new Set(SERVICES.map((service) => settings.names.container(service)));
  return containers
    .filter(({ name, home }) => names.has(name) && home !== settings.homeId)
    .map(
      ({ name }) =>
        `container ${name} exists and was not made by this set-up; keep its data, then: docker stop ${name} && docker rm ${name}`,
    );
}

function networkMistakes({ externalNetwork }: Settings, { networks }: HostFacts): string[] {
  if (externalNetwork === undefined || externalNetwork.create || networks.includes(externalNetwork.name))
    return [];
  return [
    `${keyName(["network", "external", "name"])}: there is no Docker network ${externalNetwork.name}; ` +
      `docker network create ${externalNetwork.name}, or set ${keyName(["network", "external", "create"])}: true`,
  ];
}

function dataRootMistakes({ dataRoot, deployed }: HostFacts): string[] {
  if (dataRoot === undefined) return [];
  const name = keyName(["data", "root"]);
  const { path, keepsPermissions, freeBytes, error } = dataRoot;
  if (error !== undefined) return [`${name}: ${path} cannot be written: ${error}`];
  if (!keepsPermissions) {
    return [
      `${name}: the file system of ${path} does not keep owners and modes; databases need one that does (APFS, ext4)`,
    ];
  }
  return freeBytes === undefined ? [] : lackOfSpace(name, path, freeBytes, deployed);
}

function engineRootMistakes({ engineRoot, deployed }: HostFacts): string[] {
  if (engineRoot === undefined) return [];
  return lackOfSpace("Docker's disk", engineRoot.path, engineRoot.freeBytes, deployed).map(
    (mistake) => `${mistake}; docker system df tells what takes it, docker image prune frees old images`,
  );
}

function lackOfSpace(what: string, path: string, free: number, deployed: HostFacts["deployed"]): string[] {
  const needed = deployed === undefined ? FREE_AT_FIRST_BYTES : FREE_LATER_BYTES;
  if (free >= needed) return [];
  const gib = (bytes: number) => `${(bytes / GIB).toFixed(1)} GiB`;
  return [`${what}: ${gib(free)} free at ${path}; needed: ${gib(needed)}`];
}
