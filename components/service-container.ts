import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { cpusSpelling } from "../config/docker-spelling.ts";
import { boundedLog, HARDENING, memoryMounts } from "../config/hardening.ts";
import { LABELS, type Service } from "../config/names.ts";
import { answersHttp } from "../config/probes.ts";
import type { Settings } from "../config/settings.ts";
import type { MountedFile } from "./host-file.ts";
import type { Network } from "./network.ts";

/** What a service needs, in the field's own words; says nothing of how a host provides it. */
export interface ServiceSpec {
  service: Service;
  image: pulumi.Input<string>;
  /** Arguments to the image's entrypoint. */
  command?: string[];
  env?: Record<string, pulumi.Input<string>>;
  /** Published on 127.0.0.1 of the host only. */
  ports?: { internal: number; external: number }[];
  stores?: pulumi.Input<docker.types.input.ContainerMount>[];
  /** Each appears read-only as /run/secrets/<name>. */
  secrets?: MountedFile[];
  /** Configuration that is no secret, read-only at its target. */
  files?: (MountedFile & { target: string })[];
  health: HealthCheck;
  limits: { memoryMb: number; cpus: number; shmMb?: number };
  /** Seconds between the stop signal and SIGKILL. */
  graceSeconds: number;
  stopSignal?: "SIGINT" | "SIGTERM";
  /** Writable paths in memory, with their size in MB; the root file system is read-only. */
  tmpfs?: Record<string, number>;
  /** Joins the external network too, and may reach the host as host.docker.internal. */
  outward?: boolean;
}

/** Durations in the form that Docker prints back (`10s`, `1m0s`): any other spelling is a change at each `up`. */
export interface HealthCheck {
  test: string[];
  interval: string;
  timeout: string;
  retries: number;
  startPeriod: string;
}

/**
 * Health check over HTTP of a service whose image has no client for it.
 *
 * @param every seconds between two
 */
export function httpHealth(port: number, path: string, every: number): HealthCheck {
  return {
    test: ["CMD", ...answersHttp(port, path)],
    interval: `${every}s`,
    timeout: "5s",
    retries: 3,
    startPeriod: "1m0s",
  };
}

export interface ServiceContext {
  settings: Settings;
  network: Network;
}

const log = boundedLog(3);

/** Where secret files appear inside a container. */
export const SECRETS_DIRECTORY = "/run/secrets";

/**
 * The one place that turns a service into resources, with the defaults that hold for all: loopback, read-only root,
 * no capabilities, no new privileges, limits, log limits, restart, health.
 */
export function serviceContainer(
  parent: pulumi.ComponentResource,
  name: string,
  spec: ServiceSpec,
  { settings, network }: ServiceContext,
  opts: Pick<pulumi.CustomResourceOptions, "dependsOn"> = {},
): docker.Container {
  const files = [
    ...(spec.secrets ?? []).map((secret) => ({
      ...secret,
      kind: "secret",
      target: `${SECRETS_DIRECTORY}/${secret.name}`,
    })),
    ...(spec.files ?? []).map((file) => ({ ...file, kind: "file" })),
  ];
  return new docker.Container(
    `${name}-container`,
    {
      name: settings.names.container(spec.service),
      hostname: spec.service,
      image: spec.image,
      ...(spec.command === undefined ? {} : { command: spec.command }),
      envs: environment(spec.env ?? {}),
      labels: labels(spec.service, settings, files),
      networksAdvanced: network.attachments(spec.service, spec.outward === true),
      ...(spec.outward === true ? { hosts: [{ host: "host.docker.internal", ip: "host-gateway" }] } : {}),
      ports: [...(spec.ports ?? [])]
        .sort((a, b) => a.internal - b.internal)
        .map((port) => ({ ...port, ip: HARDENING.publishedOn, protocol: "tcp" })),
      mounts: [
        ...(spec.stores ?? []),
        ...files.map(({ path: source, target }) => ({ type: "bind", source, target, readOnly: true })),
      ],
      tmpfs: memoryMounts(spec.tmpfs),
      user: `${settings.runAs.uid}:${settings.runAs.gid}`,
      readOnly: HARDENING.readOnlyRoot,
      init: HARDENING.init,
      capabilities: { drops: [...HARDENING.droppedCapabilities] },
      securityOpts: [...HARDENING.securityOptions],
      // The same value for both means: no swap. Without memorySwap the provider sees a change at each `up`.
      memory: spec.limits.memoryMb,
      memorySwap: spec.limits.memoryMb,
      cpus: cpusSpelling(spec.limits.cpus) ?? String(spec.limits.cpus),
      shmSize: spec.limits.shmMb ?? 64,
      restart: "unless-stopped",
      logDriver: log.driver,
      logOpts: log.options,
      healthcheck: { ...omitTest(spec.health), tests: spec.health.test },
      wait: true,
      waitTimeout: settings.startSeconds,
      stopSignal: spec.stopSignal ?? "SIGTERM",
      stopTimeout: spec.graceSeconds,
      destroyGraceSeconds: spec.graceSeconds,
      removeVolumes: false,
    },
    {
      ...opts,
      parent,
      deleteBeforeReplace: true,
      // The provider reports these as updated in place and changes nothing; a start that failed must be done again.
      replaceOnChanges: ["healthcheck", "tmpfs", "init", "#initerror"],
    },
  );
}

function omitTest({ test: _, ...rest }: HealthCheck): Omit<HealthCheck, "test"> {
  return rest;
}

function environment(env: Record<string, pulumi.Input<string>>): pulumi.Output<string>[] {
  return Object.keys(env)
    .sort()
    .map((key) => pulumi.interpolate`${key}=${env[key] ?? ""}`);
}

function labels(service: Service, settings: Settings, files: (MountedFile & { kind: string })[]) {
  const fixed = [
    { label: LABELS.home, value: settings.homeId },
    { label: LABELS.service, value: service },
    { label: LABELS.stack, value: settings.stack },
  ];
  // A container reads its files once, so a new revision has to make a new container.
  const revisions = files.map(({ kind, name, revision }) => ({
    label: `mem0.${kind}.${name}`,
    value: revision,
  }));
  return [...fixed, ...revisions];
}
