import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type EngineEvent,
  LocalWorkspace,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import Docker from "dockerode";
import { installStandIns, PLUGIN_NAMES } from "../../../../toolchain/plugins/install.ts";

export const CHECKOUT = path.resolve(import.meta.dirname, "../../../..");
export const docker = new Docker({
  socketPath: (process.env.DOCKER_HOST || "unix:///var/run/docker.sock").replace("unix://", ""),
});

/** One thing that the engine did, or would do. */
export interface Step {
  name: string;
  op: string;
  /** The keys that force a replacement. */
  replace: string[];
  diff: string[];
}

export interface Outcome {
  /** Without resources that stay the same. */
  steps: Step[];
  /** Messages for the user, without colours. */
  messages: { text: string; severity: string; resource: string; ephemeral: boolean }[];
  /** What failed, if it did. */
  error: string | undefined;
}

/** A Pulumi home with the stand-ins, a file backend and one stack, all in a directory of its own. */
export class Sandbox {
  readonly directory: string;
  /** Begins the names of everything that the test makes in Docker. */
  readonly prefix: string;
  readonly #stack: Stack;

  private constructor(directory: string, prefix: string, stack: Stack) {
    this.directory = directory;
    this.prefix = prefix;
    this.#stack = stack;
  }

  static async create(): Promise<Sandbox> {
    const directory = await mkdtemp(path.join(tmpdir(), "plugins-"));
    const pulumiHome = path.join(directory, "home");
    await installStandIns({ checkout: CHECKOUT, pulumiHome, node: process.execPath, names: PLUGIN_NAMES });
    const stack = await LocalWorkspace.createStack(
      { stackName: "test", projectName: "plugins", program: async () => {} },
      {
        workDir: directory,
        pulumiHome,
        projectSettings: { name: "plugins", runtime: "nodejs" },
        envVars: {
          PULUMI_BACKEND_URL: `file://${directory}`,
          PULUMI_CONFIG_PASSPHRASE: "sandbox",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
          PULUMI_SKIP_UPDATE_CHECK: "true",
        },
      },
    );
    return new Sandbox(directory, `pt-${randomBytes(3).toString("hex")}`, stack);
  }

  /** @param signal interrupts the run as Ctrl-C does */
  up(program: PulumiFn, signal?: AbortSignal): Promise<Outcome> {
    this.#stack.workspace.program = program;
    return this.#observe((onEvent) => this.#stack.up({ onEvent, ...(signal && { signal }) }));
  }

  preview(program: PulumiFn): Promise<Outcome> {
    this.#stack.workspace.program = program;
    return this.#observe((onEvent) => this.#stack.preview({ onEvent }));
  }

  /** @param exclude URNs of what is not to be asked for */
  refresh(exclude: string[] = []): Promise<Outcome> {
    return this.#observe((onEvent) =>
      this.#stack.refresh({ onEvent, ...(exclude.length === 0 ? {} : { exclude }) }),
    );
  }

  /** What preview, refresh and up still do, and how they fail: nothing, where the program is deployed. */
  async leftToDo(program: PulumiFn): Promise<(Step | string)[]> {
    const outcomes = [await this.preview(program), await this.refresh(), await this.up(program)];
    return outcomes.flatMap(({ steps, error }) => (error === undefined ? steps : [...steps, error]));
  }

  destroy(): Promise<Outcome> {
    return this.#observe((onEvent) => this.#stack.destroy({ onEvent }));
  }

  /** The text of the stored state. */
  storedState(): Promise<string> {
    return readFile(path.join(this.directory, ".pulumi", "stacks", "plugins", "test.json"), "utf8");
  }

  /** The state with its secrets in clear. */
  async exported(): Promise<{ resources: ExportedResource[] }> {
    return (await this.#stack.exportStack()).deployment;
  }

  async state(name: string): Promise<ExportedResource> {
    const { resources } = await this.exported();
    const found = resources.find((resource) => resource.custom && nameOf(resource.urn) === name);
    if (found === undefined) throw new Error(`no resource ${name} in the state`);
    return found;
  }

  async import(deployment: object): Promise<void> {
    await this.#stack.importStack({ version: 3, deployment });
  }

  /** Removes all that the test made in Docker, whatever became of it. */
  async dispose(): Promise<void> {
    for (const { Id } of await docker.listContainers({ all: true, filters: { name: [this.prefix] } })) {
      await docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of await docker.listNetworks({ filters: { name: [this.prefix] } })) {
      await docker.getNetwork(Id).remove();
    }
    for (const { Name } of (await docker.listVolumes({ filters: { name: [this.prefix] } })).Volumes) {
      await docker.getVolume(Name).remove({ force: true });
    }
    const images = await docker.listImages({ filters: { reference: [`${this.prefix}*`] } });
    for (const { RepoTags } of images) {
      for (const tag of RepoTags ?? []) await docker.getImage(tag).remove({ force: true });
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  async #observe(run: (onEvent: (event: EngineEvent) => void) => Promise<unknown>): Promise<Outcome> {
    const outcome: Outcome = { steps: [], messages: [], error: undefined };
    const onEvent = (event: EngineEvent) => {
      const metadata = event.resourcePreEvent?.metadata;
      if (metadata !== undefined && metadata.op !== "same" && metadata.op !== "refresh") {
        const { op, urn, keys, diffs } = metadata;
        outcome.steps.push({ name: nameOf(urn), op, replace: keys ?? [], diff: diffs ?? [] });
      }
      const refreshed = event.resOutputsEvent?.metadata;
      if (refreshed?.op === "update" || refreshed?.op === "delete") {
        const { op, urn, diffs } = refreshed;
        const known = outcome.steps.some((step) => step.name === nameOf(urn));
        if (!known) outcome.steps.push({ name: nameOf(urn), op, replace: [], diff: diffs ?? [] });
      }
      const diagnostic = event.diagnosticEvent;
      if (diagnostic !== undefined && (diagnostic.severity as string) !== "debug") {
        outcome.messages.push({
          text: diagnostic.message.replace(/<\{%[^%]*%\}>/g, ""),
          severity: diagnostic.severity,
          resource: nameOf(diagnostic.urn ?? ""),
          ephemeral: diagnostic.ephemeral ?? false,
        });
      }
    };
    try {
      await run(onEvent);
    } catch (error) {
      outcome.error = error instanceof Error ? error.message : String(error);
    }
    return outcome;
  }
}

export interface ExportedResource {
  urn: string;
  type: string;
  custom: boolean;
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  initErrors?: string[];
}

/** A port of this host that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

/** The image that the tests build on: what set-up made, or what MEM0_BASE_IMAGE names. */
export async function baseImage(): Promise<string> {
  const given = process.env.MEM0_BASE_IMAGE;
  if (given !== undefined && given !== "") return given;
  const file = path.join(CHECKOUT, ".toolchain", "machine.json");
  const machine: { baseImage: string } = JSON.parse(await readFile(file, "utf8"));
  return machine.baseImage;
}
