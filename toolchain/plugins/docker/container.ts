import type Docker from "dockerode";
import {
  type CheckResult,
  type Created,
  type CreateRequest,
  type DeleteRequest,
  type Difference,
  type DiffRequest,
  type Found,
  InitializationFailure,
  type Operation,
  type ReadRequest,
  type Resource,
  type Subject,
  type UpdateRequest,
} from "../protocol/resource.ts";
import type { MarkedProperties, Properties } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { numberOf, textOf } from "../schema/read-value.ts";
import { importedInputs, plannedState, refreshedInputs, refreshedState, stateOf } from "../schema/state.ts";
import { type Client, doing, hasStatus, ifExists } from "./client.ts";
import { awaitHealthy, awaitRunning } from "./container-health.ts";
import { createOptions, networkEndpoints, updateOptions } from "./container-request.ts";
import { CONTAINER, CONTAINER_OUTPUTS } from "./container-schema.ts";
import { type ContainerFacts, containerState } from "./container-state.ts";
import { pullImage } from "./image-pull.ts";

/**
 * Notes in the state that the container did not come up. The engine only remembers that something failed, and would
 * be content with a container that never became healthy; the official plugin's next `up` replaces it.
 */
const FAILED = "__failedToStart";

export class ContainerResource implements Resource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(CONTAINER, inputs, "docker Container");
  }

  diff({ state, inputs }: DiffRequest): Difference {
    const changes = changesOf(CONTAINER, state, inputs);
    if (state[FAILED] !== undefined) changes.push({ property: "#initerror", kind: "update", replace: true });
    // The name is taken as long as the old container is there.
    return { changes, deleteBeforeReplace: true };
  }

  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (operation.preview) return { id: "", outputs: plannedState(CONTAINER, inputs, CONTAINER_OUTPUTS) };
    const name = String(inputs.name);
    const container = await doing(
      `creating container ${name}`,
      this.#client,
      this.#create(operation, inputs),
    );
    try {
      await this.#joinNetworks(container, inputs);
      if (inputs.start !== false) await this.#start(operation, container, inputs);
      return { id: container.id, outputs: containerState(await inspect(container), inputs) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const facts = await ifExists(inspect(container));
      const state =
        facts === undefined
          ? { ...stateOf(CONTAINER, inputs), id: container.id }
          : containerState(facts, inputs);
      throw new InitializationFailure(container.id, { ...state, [FAILED]: reason }, reason);
    }
  }

  async update(operation: Operation, { id, state, inputs }: UpdateRequest): Promise<MarkedProperties> {
    const changed = new Set(changesOf(CONTAINER, state, inputs).map((change) => change.property));
    const asked = stateOf(CONTAINER, inputs);
    const updated = {
      ...state,
      ...Object.fromEntries([...changed].map((name) => [name, asked[name] ?? null])),
    };
    if (operation.preview) return updated;

    const container = (await this.#client.docker()).getContainer(id);
    const options = updateOptions(changed, inputs);
    const what = `updating container ${inputs.name}`;
    if (options !== undefined) await doing(what, this.#client, container.update(options));
    if (!changed.has("mustRun") || inputs.mustRun !== true || inputs.start === false) return updated;
    // Somebody stopped it, and a refresh saw that.
    await this.#start(operation, container, { ...inputs, wait: false });
    return { ...containerState(await inspect(container), updated), mustRun: true };
  }

  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const container = (await this.#client.docker()).getContainer(id);
    const facts = await doing(`reading container ${id}`, this.#client, ifExists(inspect(container)));
    if (facts === undefined) return undefined;
    if (known === undefined) {
      const outputs = readBack(facts, checkInputs(CONTAINER, {}, "").inputs);
      return { id: facts.Id, outputs, inputs: importedInputs(CONTAINER, outputs) };
    }
    const outputs = readBack(facts, known.state);
    const failed = known.state[FAILED];
    if (failed !== undefined && facts.State.Health?.Status !== "healthy") outputs[FAILED] = failed;
    return { id: facts.Id, outputs, inputs: refreshedInputs(CONTAINER, known.inputs, known.state, outputs) };
  }

  async delete(operation: Operation, { id, state }: DeleteRequest): Promise<void> {
    const container = (await this.#client.docker()).getContainer(id);
    const name = textOf(state.name) ?? id;
    const grace = numberOf(state.destroyGraceSeconds) ?? 0;
    if (grace > 0) operation.progress.status(`stopping, for up to ${grace} s`);
    const stopped = container.stop({ t: grace, abortSignal: operation.signal });
    await doing(`stopping container ${name}`, this.#client, ifExists(unless304(stopped)));
    const removed = container.remove({ force: true, v: state.removeVolumes === true });
    await doing(`removing container ${name}`, this.#client, ifExists(unless409(removed)));
    // A removal that somebody else began is not over when Docker answers.
    await doing(
      `removing container ${name}`,
      this.#client,
      ifExists(container.wait({ condition: "removed" })),
    );
  }

  async #create(operation: Operation, inputs: Properties): Promise<Docker.Container> {
    const docker = await this.#client.docker();
    const options = createOptions(inputs);
    try {
      return await docker.createContainer(options);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      await pullImage(docker, options.Image ?? "", undefined, operation);
      return await docker.createContainer(options);
    }
  }

  async #joinNetworks(container: Docker.Container, inputs: Properties): Promise<void> {
    const endpoints = networkEndpoints(inputs);
    if (endpoints.length === 0) return;
    const docker = await this.#client.docker();
    if (inputs.networkMode === "bridge") {
      const left = docker.getNetwork("bridge").disconnect({ Container: container.id });
      await doing(`taking container ${inputs.name} off the default network`, this.#client, left);
    }
    for (const { network, settings } of endpoints) {
      const joined = docker
        .getNetwork(network)
        .connect({ Container: container.id, EndpointConfig: settings });
      await doing(`connecting container ${inputs.name} to network ${network}`, this.#client, joined);
    }
  }

  async #start(operation: Operation, container: Docker.Container, inputs: Properties): Promise<void> {
    const what = `starting container ${inputs.name}`;
    await doing(what, this.#client, unless304(container.start({ abortSignal: operation.signal })));
    if (inputs.mustRun === true) {
      const limit = numberOf(inputs.containerReadRefreshTimeoutMilliseconds) ?? 0;
      await doing(what, this.#client, awaitRunning(container, limit, operation));
    }
    if (inputs.wait === true) {
      const limit = (numberOf(inputs.waitTimeout) ?? 0) * 1000;
      await doing(what, this.#client, awaitHealthy(container, limit, operation));
    }
  }
}

function readBack(facts: ContainerFacts, known: Properties): Properties {
  return refreshedState(CONTAINER, containerState(facts, known));
}

async function inspect(container: Docker.Container): Promise<ContainerFacts> {
  return (await container.inspect()) as ContainerFacts;
}

/** 304: already started, already stopped. */
async function unless304(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!hasStatus(error, 304)) throw error;
  }
}

/** 409: its removal is already under way. */
async function unless409(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
  }
}
