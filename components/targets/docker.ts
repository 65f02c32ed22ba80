import { local } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { cpusSpelling, durationSpelling } from "../../config/docker-spelling.ts";
import { boundedLog, HARDENING, memoryMounts, NO_NAMES_BEYOND } from "../../config/hardening.ts";
import { LABELS, type Service } from "../../config/names.ts";
import type { Settings } from "../../config/settings.ts";
import type { MountedFile } from "../host-file.ts";
import type { Membership } from "../network.ts";
import {
  type HealthCheck,
  type RunningService,
  SECRETS_DIRECTORY,
  type ServiceSpec,
  type Store,
} from "../service.ts";
import type { BuiltImage, Place, PrometheusNews, Reach, Target } from "./target.ts";

const log = boundedLog(3);

type DockerSettings = Pick<Settings, "names" | "stack" | "homeId" | "runAs" | "startSeconds" | "dockerHost">;
type Label = { label: string; value: pulumi.Input<string> };
type File = MountedFile & { kind: "secret" | "file"; target: string };

/**
 * One Docker engine. The one place that turns a service into a container, with the defaults that hold for all:
 * loopback, read-only root, no capabilities, no new privileges, limits, log limits, restart, health. Whatever Docker
 * knows in more than one spelling is written here as the official plugin reads it back (config/docker-spelling.ts).
 */
export class DockerTarget implements Target {
  readonly #settings: DockerSettings;

  constructor(settings: DockerSettings) {
    this.#settings = settings;
  }

  buildImage(name: string, image: BuiltImage, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { tag, directory, hash, baseImage } = image;
    const build = { context: directory, dockerfile: "Dockerfile", buildArgs: { BASE_IMAGE: baseImage } };
    const args = { name: tag, build, triggers: { content: hash }, keepLocally: true };
    return new docker.RemoteImage(name, args, opts).imageId;
  }

  pullImage(name: string, reference: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    return new docker.RemoteImage(name, { name: reference, keepLocally: true }, opts).imageId;
  }

  ownNetwork(
    name: string,
    { name: network, reach }: { name: string; reach: Reach },
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Output<string> {
    const args = { name: network, driver: "bridge", labels: this.#labels(), ...BRIDGES[reach] };
    // Engines may add options of their own, and the plugin would make the network anew for them.
    const ignoreChanges = reach === "published" ? ["options"] : [];
    return new docker.Network(name, args, { ...opts, deleteBeforeReplace: true, ignoreChanges }).name;
  }

  sharedNetwork(name: string, network: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    // Not a docker.Network: one that somebody else has made meanwhile is as good, and it stays when this stack goes.
    const ensure = new local.Command(
      name,
      {
        create: onEngine("ensure-network.ts"),
        environment: { NAME: network, DOCKER_HOST: this.#settings.dockerHost },
        triggers: [network],
        addPreviousOutputInEnv: false,
      },
      opts,
    );
    return ensure.stdout.apply(() => network);
  }

  volume(name: string, volume: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    // An edit of labels or options would replace the volume, and a replaced volume is an empty one.
    const ignoreChanges = ["labels", "driver", "driverOpts"];
    return new docker.Volume(name, { name: volume }, { ...opts, ignoreChanges }).name;
  }

  informPrometheus(
    name: string,
    { directory, container, mountedAt, running, scrape, rules }: PrometheusNews,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Output<string> {
    const register = onEngine("external-prometheus.ts register");
    return new local.Command(
      name,
      {
        create: register,
        update: register,
        delete: onEngine("external-prometheus.ts withdraw"),
        environment: {
          DIRECTORY: directory,
          CONTAINER: container,
          MOUNTED: mountedAt,
          RUNNING: String(running),
          SCRAPE: scrape,
          RULES: rules,
          DOCKER_HOST: this.#settings.dockerHost,
        },
        addPreviousOutputInEnv: false,
      },
      opts,
    ).stdout;
  }

  run(name: string, spec: ServiceSpec, { parent, network, dependsOn }: Place): RunningService {
    const files: File[] = [
      ...(spec.secrets ?? []).map((secret) => ({
        ...secret,
        kind: "secret" as const,
        target: `${SECRETS_DIRECTORY}/${secret.name}`,
      })),
      ...(spec.files ?? []).map((file) => ({ ...file, kind: "file" as const })),
    ];
    const { runAs, startSeconds, names } = this.#settings;
    const outward = spec.outward === true;
    const bounds = {
      inside: spec.inside ?? (["all"] as const),
      published: (spec.ports ?? []).length > 0,
      outward,
      shared: spec.shared === true,
    };
    const container = new docker.Container(
      `${name}-container`,
      {
        name: names.container(spec.service),
        hostname: spec.service,
        image: spec.image,
        ...(spec.command === undefined ? {} : { command: spec.command }),
        envs: environment(spec.env ?? {}),
        labels: [...this.#labels(spec.service), ...files.map(revisionLabel)],
        networksAdvanced: network.memberships(spec.service, bounds).map(attachment),
        ...(outward ? { hosts: [{ host: "host.docker.internal", ip: "host-gateway" }] } : {}),
        ...(network.closed(bounds) ? NO_NAMES : {}),
        ports: [...(spec.ports ?? [])]
          .sort((a, b) => a.internal - b.internal)
          .map((port) => ({ ...port, ip: HARDENING.publishedOn, protocol: "tcp" })),
        mounts: [
          ...(spec.stores ?? []).map(mount),
          ...files.map(({ path: source, target }) => ({ type: "bind", source, target, readOnly: true })),
        ],
        tmpfs: memoryMounts(spec.writable),
        user: `${runAs.uid}:${runAs.gid}`,
        readOnly: HARDENING.readOnlyRoot,
        init: HARDENING.init,
        capabilities: { drops: [...HARDENING.droppedCapabilities] },
        securityOpts: [...HARDENING.securityOptions],
        ...limits(spec),
        restart: "unless-stopped",
        logDriver: log.driver,
        logOpts: log.options,
        healthcheck: healthcheck(spec.health),
        wait: true,
        waitTimeout: startSeconds,
        stopSignal: spec.stopSignal ?? "SIGTERM",
        stopTimeout: spec.graceSeconds,
        destroyGraceSeconds: spec.graceSeconds,
        removeVolumes: false,
      },
      {
        parent,
        ...(dependsOn === undefined ? {} : { dependsOn }),
        deleteBeforeReplace: true,
        // The plugin reports these as updated in place and changes nothing; a start that failed must be done again.
        replaceOnChanges: ["healthcheck", "tmpfs", "init", "#initerror"],
      },
    );
    return { name: container.name, host: spec.service, id: container.id, resource: container };
  }

  /** By which the verbs know what belongs to this stack. */
  #labels(service?: Service): Label[] {
    const { homeId, stack } = this.#settings;
    return [
      { label: LABELS.home, value: homeId },
      ...(service === undefined ? [] : [{ label: LABELS.service, value: service }]),
      { label: LABELS.stack, value: stack },
    ];
  }
}

/**
 * Bridges by what they lead to. An internal one publishes no ports on engines before 28; one without masquerading does,
 * and whatever goes out through it has an address that nobody beyond the host can answer to.
 */
const BRIDGES: Record<Reach, Partial<docker.NetworkArgs>> = {
  inside: { internal: true },
  published: { options: { "com.docker.network.bridge.enable_ip_masquerade": "false" } },
  outward: {},
};

/** As the plugin takes it. */
const NO_NAMES = {
  dns: [...NO_NAMES_BEYOND.servers],
  dnsOpts: [...NO_NAMES_BEYOND.options],
  dnsSearches: [...NO_NAMES_BEYOND.searches],
};

/** A container reads its files once, so a new revision has to make a new container. */
function revisionLabel({ kind, name, revision }: File): Label {
  return { label: `mem0.${kind}.${name}`, value: revision };
}

/** A command line for one of the scripts in docker/; the checkout is the working directory of all plugins. */
function onEngine(script: string): string {
  return `node --disable-warning=ExperimentalWarning components/targets/docker/${script}`;
}

function limits({ service, limits: { memoryMb, cpus, shmMb = 64 } }: ServiceSpec) {
  const spelling = cpusSpelling(cpus);
  // config/rules.ts refuses such a setting, with the nearest that has one.
  if (spelling === undefined)
    throw new Error(`${service}: no spelling of ${cpus} CPUs is read back as it is`);
  // The same value for both means: no swap. Without memorySwap the plugin sees a change at each `up`.
  return { memory: memoryMb, memorySwap: memoryMb, cpus: spelling, shmSize: shmMb };
}

/** In memory, and so gone at each start. */
const HAS_BEEN_WELL = "/tmp/.has-been-well";

/**
 * Docker looks for the first time when a whole interval is over, so that what answers after 2 s is healthy after 10;
 * engines before 25 know no other interval for the start. Here Docker's interval is a second, and the check itself waits:
 * at the start until the service is well, afterwards for the rest of the time between two looks.
 */
function healthcheck({ command, everySeconds, timeoutSeconds, retries, startSeconds }: HealthCheck) {
  const rest = everySeconds - 1;
  const script = [
    `if [ -e ${HAS_BEEN_WELL} ]; then sleep ${rest}; exec "$@"; fi`,
    "looks=0",
    `until "$@" 2>/dev/null; do looks=$((looks + 1)); [ $looks -lt ${rest * 4} ] || exec "$@"; sleep 0.25; done`,
    `touch ${HAS_BEEN_WELL} || true`,
  ];
  return {
    tests: ["CMD", "sh", "-c", script.join("; "), "health", ...command],
    interval: durationSpelling(1),
    timeout: durationSpelling(rest + timeoutSeconds),
    retries,
    startPeriod: durationSpelling(startSeconds),
  };
}

function attachment({ network, alias }: Membership) {
  return { name: network, ...(alias === undefined ? {} : { aliases: [alias] }) };
}

function mount({ kind, source, target, readOnly }: Store) {
  const type = kind === "volume" ? "volume" : "bind";
  return { type, source, target, ...(readOnly === true ? { readOnly } : {}) };
}

function environment(env: Record<string, pulumi.Input<string>>): pulumi.Output<string>[] {
  return Object.keys(env)
    .sort()
    .map((key) => pulumi.interpolate`${key}=${env[key] ?? ""}`);
}
