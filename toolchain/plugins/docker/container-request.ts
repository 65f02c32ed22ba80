import type Docker from "dockerode";
import { isProperties, type Properties, type Value } from "../protocol/value.ts";
import { parseDuration } from "../schema/duration.ts";
import { numberOf, recordsOf, textMapOf, textOf, textsOf } from "../schema/read-value.ts";
import { labelMap } from "./labels.ts";

const MB = 1024 * 1024;

/** What `POST /containers/create` gets for checked inputs. */
export function createOptions(inputs: Properties): Docker.ContainerCreateOptions {
  const ports = recordsOf(inputs.ports);
  return {
    name: textOf(inputs.name),
    Image: textOf(inputs.image),
    ...present("Cmd", listOf(inputs.command)),
    ...present("Entrypoint", listOf(inputs.entrypoints)),
    Env: textsOf(inputs.envs),
    Labels: labelMap(inputs.labels),
    ...present("User", textOf(inputs.user)),
    ...present("WorkingDir", textOf(inputs.workingDir)),
    ...present("Hostname", textOf(inputs.hostname)),
    Tty: inputs.tty === true,
    OpenStdin: inputs.stdinOpen === true,
    ExposedPorts: Object.fromEntries(ports.map((port) => [portKey(port), {}])),
    ...present("Healthcheck", healthConfig(inputs.healthcheck)),
    ...present("StopSignal", textOf(inputs.stopSignal)),
    ...present("StopTimeout", numberOf(inputs.stopTimeout)),
    HostConfig: hostConfig(inputs, ports),
  };
}

function hostConfig(inputs: Properties, ports: Properties[]): Docker.HostConfig {
  const capabilities = isProperties(inputs.capabilities) ? inputs.capabilities : {};
  return {
    ...restartAndLimits(inputs),
    NetworkMode: textOf(inputs.networkMode),
    PortBindings: portBindings(ports),
    ExtraHosts: recordsOf(inputs.hosts).map(({ host, ip }) => `${host}:${ip}`),
    Dns: textsOf(inputs.dns),
    DnsOptions: textsOf(inputs.dnsOpts),
    DnsSearch: textsOf(inputs.dnsSearches),
    Mounts: recordsOf(inputs.mounts).map(mountSettings),
    Tmpfs: textMapOf(inputs.tmpfs),
    ReadonlyRootfs: inputs.readOnly === true,
    CapAdd: textsOf(capabilities.adds),
    CapDrop: textsOf(capabilities.drops),
    SecurityOpt: textsOf(inputs.securityOpts),
    Privileged: inputs.privileged === true,
    GroupAdd: textsOf(inputs.groupAdds),
    ...present("IpcMode", textOf(inputs.ipcMode)),
    // Without a wish the daemon's own default holds.
    ...(typeof inputs.init === "boolean" ? { Init: inputs.init } : {}),
    ...present("ShmSize", bytes(numberOf(inputs.shmSize))),
    ...present("NanoCpus", nanoCpus(textOf(inputs.cpus))),
    Ulimits: recordsOf(inputs.ulimits).map(({ name, soft, hard }) => ({
      Name: String(name),
      Soft: Number(soft),
      Hard: Number(hard),
    })),
    LogConfig: { Type: textOf(inputs.logDriver) ?? "", Config: textMapOf(inputs.logOpts) },
  };
}

/** The part of a container that `docker update` can change. */
const UPDATABLE = [
  "restart",
  "maxRetryCount",
  "memory",
  "memorySwap",
  "memoryReservation",
  "cpuShares",
  "cpuSet",
] as const;

/** What `POST /containers/{id}/update` gets, or undefined when no change concerns it. */
export function updateOptions(changed: ReadonlySet<string>, inputs: Properties): object | undefined {
  return UPDATABLE.some((name) => changed.has(name)) ? restartAndLimits(inputs) : undefined;
}

function restartAndLimits(inputs: Properties): Docker.HostConfig {
  return {
    RestartPolicy: {
      Name: textOf(inputs.restart) ?? "no",
      MaximumRetryCount: numberOf(inputs.maxRetryCount) ?? 0,
    },
    Memory: bytes(numberOf(inputs.memory)) ?? 0,
    MemorySwap: bytes(numberOf(inputs.memorySwap)) ?? 0,
    MemoryReservation: bytes(numberOf(inputs.memoryReservation)) ?? 0,
    CpuShares: numberOf(inputs.cpuShares) ?? 0,
    CpusetCpus: textOf(inputs.cpuSet) ?? "",
  };
}

/** The networks to join after creation, in the order given. */
export function networkEndpoints(
  inputs: Properties,
): { network: string; settings: Docker.EndpointSettings }[] {
  return recordsOf(inputs.networksAdvanced).map((endpoint) => ({
    network: String(endpoint.name),
    settings: {
      Aliases: textsOf(endpoint.aliases),
      IPAMConfig: {
        ...present("IPv4Address", textOf(endpoint.ipv4Address)),
        ...present("IPv6Address", textOf(endpoint.ipv6Address)),
      },
    },
  }));
}

function portKey(port: Properties): string {
  return `${port.internal}/${port.protocol}`;
}

function portBindings(ports: Properties[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const binding = { HostIp: String(port.ip), HostPort: String(port.external ?? "") };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), binding];
  }
  return bindings;
}

function mountSettings(mount: Properties): Docker.MountSettings {
  return {
    Type: String(mount.type) as Docker.MountType,
    Source: textOf(mount.source) ?? "",
    Target: String(mount.target),
    ReadOnly: mount.readOnly === true,
  };
}

function healthConfig(value: Value | undefined): Docker.HealthConfig | undefined {
  if (!isProperties(value)) return undefined;
  return {
    Test: textsOf(value.tests),
    Interval: parseDuration(textOf(value.interval)),
    Timeout: parseDuration(textOf(value.timeout)),
    StartPeriod: parseDuration(textOf(value.startPeriod)),
    Retries: numberOf(value.retries) ?? 0,
  };
}

/** @returns undefined for an empty list: Docker then takes the image's own */
function listOf(value: Value | undefined): string[] | undefined {
  const texts = textsOf(value);
  return texts.length === 0 ? undefined : texts;
}

/** @param megabytes -1 stands for "no limit" and stays */
function bytes(megabytes: number | undefined): number | undefined {
  return megabytes === undefined || megabytes < 0 ? megabytes : megabytes * MB;
}

function nanoCpus(cpus: string | undefined): number | undefined {
  return cpus === undefined ? undefined : Math.round(Number(cpus) * 1e9);
}

function present<Name extends string, T>(name: Name, value: T | undefined): { [key in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: T };
}
