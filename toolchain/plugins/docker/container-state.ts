import type Docker from "dockerode";
import { isProperties, type Properties, type Value } from "../protocol/value.ts";
import { formatDuration } from "../schema/duration.ts";
import { textOf } from "../schema/read-value.ts";
import { stateOf } from "../schema/state.ts";
import { CONTAINER } from "./container-schema.ts";

const MB = 1024 * 1024;

/** `docker inspect`, with what @types/dockerode leaves out. */
export interface ContainerFacts extends Docker.ContainerInspectInfo {
  Config: Docker.ContainerInspectInfo["Config"] & { StopSignal?: string; StopTimeout?: number | null };
  NetworkSettings: Docker.ContainerInspectInfo["NetworkSettings"] & { Bridge?: string };
}

/**
 * The state of a container: what Docker tells, and `known` for the rest. The official plugin does not read back
 * environment, labels, networks and how the container is managed; so neither may this, or the same program would
 * show differences with one of the two only.
 *
 * @param known the inputs of a creation, or the state so far
 */
export function containerState(facts: ContainerFacts, known: Properties): Properties {
  const { Config: config, HostConfig: host } = facts;
  const stopped = !facts.State.Running;
  return {
    ...stateOf(CONTAINER, known),
    id: facts.Id,
    name: facts.Name.replace(/^\//, ""),
    image: config.Image,
    command: config.Cmd ?? [],
    entrypoints: typeof config.Entrypoint === "string" ? [config.Entrypoint] : (config.Entrypoint ?? []),
    user: config.User,
    workingDir: config.WorkingDir,
    hostname: config.Hostname,
    domainname: config.Domainname,
    tty: config.Tty,
    stdinOpen: config.OpenStdin,
    stopSignal: config.StopSignal ?? "",
    stopTimeout: config.StopTimeout ?? 0,
    healthcheck: healthcheck(config.Healthcheck),

    networkMode: host.NetworkMode ?? "",
    hosts: (host.ExtraHosts ?? []).map(splitHost),
    dns: listOrNull(host.Dns),
    dnsOpts: listOrNull(host.DnsOptions),
    dnsSearches: listOrNull(host.DnsSearch),
    mounts: mounts(host.Mounts),
    tmpfs: mapOrNull(host.Tmpfs),
    readOnly: host.ReadonlyRootfs ?? false,
    capabilities: capabilities(host),
    securityOpts: host.SecurityOpt ?? [],
    privileged: host.Privileged ?? false,
    groupAdds: listOrNull(host.GroupAdd),
    ipcMode: host.IpcMode ?? "",
    usernsMode: host.UsernsMode ?? "",
    init: host.Init ?? false,
    runtime: host.Runtime ?? "",
    platform: facts.Platform,
    publishAllPorts: host.PublishAllPorts ?? false,
    rm: host.AutoRemove ?? false,

    memory: megabytes(host.Memory ?? 0),
    memorySwap: megabytes(host.MemorySwap ?? 0),
    memoryReservation: megabytes(host.MemoryReservation ?? 0),
    shmSize: megabytes(host.ShmSize ?? 0),
    cpus: cpus(host.NanoCpus ?? 0),
    cpuShares: host.CpuShares ?? 0,
    cpuSet: host.CpusetCpus ?? "",
    ulimits: (host.Ulimits ?? []).map((limit: Docker.Ulimit) => ({
      name: limit.Name ?? "",
      soft: limit.Soft ?? 0,
      hard: limit.Hard ?? 0,
    })),
    restart: textOf(host.RestartPolicy?.Name) ?? "no",
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    logDriver: host.LogConfig?.Type ?? "",
    logOpts: mapOrNull(host.LogConfig?.Config),

    ports: ports(facts.NetworkSettings.Ports),
    bridge: facts.NetworkSettings.Bridge ?? "",
    networkDatas: networkDatas(facts.NetworkSettings.Networks),
    exitCode: stopped ? facts.State.ExitCode : null,
    containerLogs: null,
    // How the official plugin makes the next `up` start a container again that somebody stopped.
    mustRun: known.mustRun === true && known.start !== false ? !stopped : (known.mustRun ?? null),
  };
}

function healthcheck(health: Docker.HealthConfig | undefined): Value {
  if (health === undefined || health === null) return null;
  return {
    tests: health.Test ?? [],
    interval: formatDuration(health.Interval ?? 0),
    timeout: formatDuration(health.Timeout ?? 0),
    startPeriod: formatDuration(health.StartPeriod ?? 0),
    startInterval: "0s",
    retries: health.Retries ?? 0,
  };
}

function capabilities(host: Docker.HostConfig): Value {
  const adds = host.CapAdd ?? [];
  const drops = host.CapDrop ?? [];
  return adds.length + drops.length === 0 ? null : { adds, drops };
}

function mounts(settings: Docker.MountSettings[] | undefined): Value {
  return (settings ?? []).map((mount) => ({
    type: mount.Type,
    source: mount.Source ?? "",
    target: mount.Target,
    readOnly: mount.ReadOnly ? true : null,
    bindOptions: null,
    tmpfsOptions: null,
    volumeOptions: null,
  }));
}

/** Published ports, by the port inside. Those of a stopped container are gone. */
function ports(published: Docker.ContainerInspectInfo["NetworkSettings"]["Ports"]): Value {
  return Object.entries(published ?? {})
    .flatMap(([key, bindings]) =>
      (bindings ?? []).map((binding) => ({
        internal: Number.parseInt(key, 10),
        external: Number(binding.HostPort),
        ip: binding.HostIp,
        protocol: key.split("/")[1] ?? "tcp",
      })),
    )
    .sort((left, right) => left.internal - right.internal || left.external - right.external);
}

function networkDatas(networks: Docker.ContainerInspectInfo["NetworkSettings"]["Networks"]): Value {
  return Object.entries(networks ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([networkName, network]) => ({
      networkName,
      ipAddress: network.IPAddress,
      ipPrefixLength: network.IPPrefixLen,
      gateway: network.Gateway,
      globalIpv6Address: network.GlobalIPv6Address,
      globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
      ipv6Gateway: network.IPv6Gateway,
      macAddress: network.MacAddress,
    }));
}

function splitHost(entry: string): Properties {
  const colon = entry.indexOf(":");
  return { host: entry.slice(0, colon), ip: entry.slice(colon + 1) };
}

/**
 * As the official plugin prints it: the number with nine decimals; when that has nine zeros, rounded to one decimal,
 * else without the zeros at the end. So `2` comes back as `2.0`, `10` as `10.` and `20.05` as `20.1`.
 */
function cpus(nanoCpus: number): Value {
  if (nanoCpus === 0) return null;
  const decimals = String(nanoCpus % 1e9).padStart(9, "0");
  const text = `${Math.floor(nanoCpus / 1e9)}.${decimals}`;
  const zeros = [...text].filter((digit) => digit === "0").length;
  return zeros === 9 ? Number(text).toFixed(1) : text.replace(/0+$/, "");
}

/** Whole ones; -1 stands for "no limit" and stays. */
function megabytes(bytes: number): number {
  return bytes > 0 ? Math.floor(bytes / MB) : bytes;
}

function listOrNull(list: string[] | null | undefined): Value {
  return list === undefined || list === null || list.length === 0 ? null : list;
}

function mapOrNull(map: unknown): Value {
  const entries = isProperties(map as Value | undefined) ? Object.entries(map as Properties) : [];
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
