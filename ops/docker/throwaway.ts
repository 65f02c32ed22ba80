import { Readable } from "node:stream";
import type Docker from "dockerode";
import { boundedLog, HARDENING, memoryMounts } from "../../config/hardening.ts";
import { Problem } from "../base/problem.ts";
import { waitUntil } from "../base/wait-until.ts";
import { exitCodeOf, ignoring } from "./client.ts";
import { converse, type Ended, environment, execInContainer, send } from "./command.ts";
import { outputOf, type ProgramOutput, textOfLog } from "./output.ts";

/** The label of all that is throw-away; its value tells whose it is. */
const LABEL = "mem0.throwaway";

/** The label that a backup's one-off containers and volumes had up to version 0.1: a killed one may have left some. */
const FORMER_LABEL = "mem0.backup";

/** The log of a server: its end is shown when it does not start. */
const LOG = boundedLog(1);

export interface ThrowawaySpec {
  image: string;
  /** Replaces the image's entrypoint. */
  entrypoint?: string[];
  command?: string[];
  env?: Record<string, string>;
  /** `uid:gid`; the image's own when left out. */
  user?: string;
  /** Volumes or directories of the host, by their place in the container. */
  stores?: Record<string, string>;
  readOnlyStores?: Record<string, string>;
  memoryBytes?: number;
  shmBytes?: number;
  /** Writable paths in memory, with their size in MB. */
  tmpfs?: Record<string, number>;
}

/** Processes and threads that one may have: what it is given to read may try to make more. */
const MOST_PROCESSES = 512;

/** Lines of a log that tell why a server does not start. */
const LOG_END = 5;

/** How long a container may take to start. */
export interface StartPatience {
  /** What runs there, for people. */
  what: string;
  seconds: number;
}

/**
 * Containers without any network, and volumes, for as long as one run needs them: they are spoken to by commands that are
 * run inside. They are hardened like a stack's own. What a killed run of the same stack and purpose left behind is removed
 * before anything is made.
 */
export class Throwaway {
  /** Name of the stack that it is for. */
  readonly stack: string;
  readonly #docker: Docker;
  readonly #prefix: string;
  readonly #label: string;
  #made = 0;

  private constructor(docker: Docker, stack: string, prefix: string, label: string) {
    this.stack = stack;
    this.#docker = docker;
    this.#prefix = prefix;
    this.#label = label;
  }

  /** @param purpose one word, e.g. `drill`; runs of one purpose and stack take turns (the backup lock) */
  static async open(
    docker: Docker,
    { stack, homeId }: { stack: string; homeId: string },
    purpose: string,
  ): Promise<Throwaway> {
    const throwaway = new Throwaway(
      docker,
      stack,
      `mem0_${purpose}_${stack}`,
      `${homeId}/${stack}/${purpose}`,
    );
    await throwaway.remove();
    return throwaway;
  }

  /** Starts a container and returns its name. */
  async start(name: string, spec: ThrowawaySpec): Promise<string> {
    const full = this.nameOf(name);
    const options = this.#options(spec, { Type: LOG.driver, Config: LOG.options });
    const container = await this.#docker.createContainer({
      ...options,
      // Neo4j looks its own name up, which nobody knows where there is no network.
      HostConfig: { ...options.HostConfig, ExtraHosts: [`${name}:127.0.0.1`] },
      name: full,
      Hostname: name,
    });
    await container.start();
    return full;
  }

  /** The whole name of a container, whether it was started or not. */
  nameOf(name: string): string {
    return `${this.#prefix}_${name}`;
  }

  /**
   * Waits until a command inside a started container succeeds.
   *
   * @throws Problem with the end of its log when the container has ended, or the time is over
   */
  async untilReady(container: string, command: readonly string[], patience: StartPatience): Promise<void> {
    await this.#untilStarted(container, patience, async () => {
      // A container that has ended cannot run a command; that it has is looked at next.
      const asked = await execInContainer(this.#docker, container, command).catch(() => undefined);
      return asked?.exitCode === 0;
    });
  }

  /** Waits until a started container has written a line to its log; for the rest as `untilReady`. */
  async untilLogged(container: string, line: RegExp, patience: StartPatience): Promise<void> {
    await this.#untilStarted(container, patience, async () => line.test(await this.#logOf(container)));
  }

  async #untilStarted(
    container: string,
    { what, seconds }: StartPatience,
    isStarted: () => Promise<boolean>,
  ): Promise<void> {
    const late = async () => {
      const log = await this.#logOf(container, LOG_END);
      return new Problem(`the throw-away ${what} does not start: ${log.trim()}`);
    };
    const isReady = async () => {
      if (await isStarted()) return true;
      if (!(await this.#docker.getContainer(container).inspect()).State.Running) throw await late();
      return false;
    };
    await waitUntil(isReady, { withinMs: seconds * 1000, everyMs: 300, late });
  }

  async #logOf(container: string, tail?: number): Promise<string> {
    const wanted = { stdout: true, stderr: true, ...(tail === undefined ? {} : { tail }) };
    return textOfLog(await this.#docker.getContainer(container).logs(wanted));
  }

  /** Stops a container in order; a Problem when it had to be killed. */
  async stop(container: string, graceSeconds: number): Promise<void> {
    await this.#docker.getContainer(container).stop({ t: graceSeconds }).catch(ignoring(304));
    const { State } = await this.#docker.getContainer(container).inspect();
    if (State.ExitCode === 137) {
      throw new Problem(`${container} did not stop within ${graceSeconds} s`, {
        mend: "the machine may be overloaded: try again",
      });
    }
  }

  /** Runs a command to its end in a container of its own. */
  async run(spec: ThrowawaySpec & { input?: () => Readable }): Promise<Ended> {
    const { container, attached } = await this.#forInput(spec);
    try {
      const output = await converse(attached, spec.input ?? (() => Readable.from([])));
      return { ...output, exitCode: await exitCodeOf(container) };
    } finally {
      await removeContainer(container);
    }
  }

  /**
   * Sends something through a command in a container of its own.
   *
   * @param what it does, for people
   * @returns what comes out, as it comes; the container is removed when the command has ended
   */
  async filter(spec: ThrowawaySpec, input: () => Readable, what: string): Promise<ProgramOutput> {
    const { container, attached } = await this.#forInput(spec);
    const sending = send(attached, input);
    return outputOf(attached, what, async () => {
      const exitCode = await exitCodeOf(container);
      await removeContainer(container);
      sending.stop();
      return exitCode;
    });
  }

  /**
   * Makes a container for one command, so that no time is lost when it is to begin.
   *
   * @param what it does, for people
   * @returns begins it; the container is removed when it has ended
   */
  async prepare(spec: ThrowawaySpec, what: string): Promise<() => Promise<ProgramOutput>> {
    const container = await this.#forOneCommand(spec);
    return async () => {
      const attached = await container.attach({ stream: true, stdout: true, stderr: true });
      await container.start();
      return outputOf(attached, what, async () => {
        const exitCode = await exitCodeOf(container);
        await removeContainer(container);
        return exitCode;
      });
    };
  }

  /** Makes an empty volume and returns its name. */
  async volume(name: string): Promise<string> {
    const full = `${this.#prefix}_${name}`;
    await this.#docker.createVolume({ Name: full, Labels: this.#labels });
    return full;
  }

  /** Removes all of it, also what a killed run left. */
  async remove(): Promise<void> {
    await removeLabelled(this.#docker, LABEL, (label) => label === this.#label);
  }

  /** Removes what killed runs of a stack left, whatever their purpose. Call it while none of them can be at work. */
  static async removeLeftovers(
    docker: Docker,
    { stack, homeId }: { stack: string; homeId: string },
  ): Promise<void> {
    await removeLabelled(docker, LABEL, (label) => label.startsWith(`${homeId}/${stack}/`));
    await removeLabelled(docker, FORMER_LABEL, (label) => label === `${homeId}-${stack}`);
  }

  get #labels(): Record<string, string> {
    return { [LABEL]: this.#label };
  }

  /** A command that has begun, and waits for its input. */
  async #forInput(
    spec: ThrowawaySpec,
  ): Promise<{ container: Docker.Container; attached: NodeJS.ReadWriteStream }> {
    const withInput = { OpenStdin: true, StdinOnce: true, AttachStdin: true };
    const container = await this.#forOneCommand(spec, withInput);
    try {
      const streams = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
      const attached = await container.attach(streams);
      await container.start();
      return { container, attached };
    } catch (error) {
      await removeContainer(container);
      throw error;
    }
  }

  #forOneCommand(
    spec: ThrowawaySpec,
    input: Pick<Docker.ContainerCreateOptions, "OpenStdin" | "StdinOnce" | "AttachStdin"> = {},
  ): Promise<Docker.Container> {
    // What it prints is taken as it comes: the engine need not write it to its own disk as well.
    const options = this.#options(spec, { Type: "none", Config: {} });
    const name = `${this.#prefix}_run${this.#made++}`;
    return this.#docker.createContainer({
      ...options,
      ...input,
      name,
      AttachStdout: true,
      AttachStderr: true,
    });
  }

  #options(spec: ThrowawaySpec, log: Docker.HostConfig["LogConfig"]): Docker.ContainerCreateOptions {
    const mounts = (stores: Record<string, string>, ReadOnly: boolean) =>
      Object.entries(stores).map(([Target, Source]) => ({
        Type: Source.startsWith("/") ? ("bind" as const) : ("volume" as const),
        Source,
        Target,
        ReadOnly,
      }));
    return {
      Image: spec.image,
      ...(spec.entrypoint === undefined ? {} : { Entrypoint: spec.entrypoint }),
      Cmd: spec.command ?? [],
      Env: environment(spec.env ?? {}),
      ...(spec.user === undefined ? {} : { User: spec.user }),
      Labels: this.#labels,
      HostConfig: {
        NetworkMode: "none",
        Mounts: [...mounts(spec.stores ?? {}, false), ...mounts(spec.readOnlyStores ?? {}, true)],
        Tmpfs: memoryMounts(spec.tmpfs),
        ReadonlyRootfs: HARDENING.readOnlyRoot,
        Init: HARDENING.init,
        CapDrop: [...HARDENING.droppedCapabilities],
        SecurityOpt: [...HARDENING.securityOptions],
        PidsLimit: MOST_PROCESSES,
        ...(spec.memoryBytes === undefined ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
        ...(spec.shmBytes === undefined ? {} : { ShmSize: spec.shmBytes }),
        LogConfig: log,
      },
    };
  }
}

async function removeLabelled(
  docker: Docker,
  key: string,
  isMeant: (label: string) => boolean,
): Promise<void> {
  const filters = { label: [key] };
  const meant = <T extends { Labels?: Record<string, string> | undefined }>(all: T[] | null) =>
    (all ?? []).filter(({ Labels }) => isMeant(Labels?.[key] ?? ""));
  for (const { Id } of meant(await docker.listContainers({ all: true, filters }))) {
    await removeContainer(docker.getContainer(Id));
  }
  for (const { Name } of meant((await docker.listVolumes({ filters })).Volumes)) {
    await docker.getVolume(Name).remove().catch(ignoring(404));
  }
  // Up to version 0.1 they had one.
  for (const { Id } of meant(await docker.listNetworks({ filters }))) {
    await docker.getNetwork(Id).remove().catch(ignoring(404));
  }
}

async function removeContainer(container: Docker.Container): Promise<void> {
  // 409: its removal is under way already.
  await container.remove({ force: true, v: true }).catch(ignoring(404, 409));
}
