import type Docker from "dockerode";
import type {
  CheckResult,
  Created,
  CreateRequest,
  DeleteRequest,
  Difference,
  DiffRequest,
  Found,
  Operation,
  ReadRequest,
  Resource,
  Subject,
  UpdateRequest,
} from "../protocol/resource.ts";
import type { MarkedProperties, Properties } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { map, refused, replaced, type Schema, text } from "../schema/schema.ts";
import { importedInputs, plannedState, refreshedInputs, stateOf } from "../schema/state.ts";
import { type Client, doing, ifExists } from "./client.ts";
import { LABELS, labelList, labelMap } from "./labels.ts";
import { textMapOf, textOf } from "./read-value.ts";
import { removeWhenFree } from "./removal.ts";

/** docker:index/volume:Volume as the official plugin 5.2 has it: every change makes a new, empty volume. */
export const VOLUME: Schema = {
  name: replaced(text(), { required: true }),
  driver: replaced(text(), { computed: true }),
  driverOpts: replaced(map(text())),
  labels: replaced(LABELS),
  cluster: refused(null),
};

const OUTPUTS = ["id", "mountpoint"] as const;

export class VolumeResource implements Resource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(VOLUME, inputs, "docker Volume");
  }

  diff({ state, inputs }: DiffRequest): Difference {
    return { changes: changesOf(VOLUME, state, inputs), deleteBeforeReplace: true };
  }

  /** Takes an existing volume of this name as it is, like Docker and the official plugin. */
  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (operation.preview) return { id: "", outputs: plannedState(VOLUME, inputs, OUTPUTS) };
    const docker = await this.#client.docker();
    const name = String(inputs.name);
    const what = `creating volume ${name}`;
    await doing(what, this.#client, docker.createVolume(volumeOptions(inputs)));
    const facts = await doing(what, this.#client, docker.getVolume(name).inspect());
    return { id: name, outputs: volumeState(facts, inputs) };
  }

  /** Never called: there is no change that does not replace. */
  async update(_: Operation, { state, inputs }: UpdateRequest): Promise<MarkedProperties> {
    return { ...state, ...inputs };
  }

  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const volume = (await this.#client.docker()).getVolume(id);
    const facts = await doing(`reading volume ${id}`, this.#client, ifExists(volume.inspect()));
    if (facts === undefined) return undefined;
    const outputs = volumeState(facts, known?.state ?? {});
    const inputs =
      known === undefined
        ? importedInputs(VOLUME, outputs)
        : refreshedInputs(VOLUME, known.inputs, known.state, outputs);
    return { id: facts.Name, outputs, inputs };
  }

  async delete(operation: Operation, { id }: DeleteRequest): Promise<void> {
    const volume = (await this.#client.docker()).getVolume(id);
    // 409: "volume is in use".
    const removed = removeWhenFree(
      () => volume.remove({ force: true, abortSignal: operation.signal }),
      409,
      operation,
    );
    await doing(`removing volume ${id}`, this.#client, removed);
  }
}

export function volumeOptions(inputs: Properties): Docker.VolumeCreateOptions {
  return {
    Name: String(inputs.name),
    ...(textOf(inputs.driver) === undefined ? {} : { Driver: String(inputs.driver) }),
    DriverOpts: textMapOf(inputs.driverOpts),
    Labels: labelMap(inputs.labels),
  };
}

export function volumeState(facts: Docker.VolumeInspectInfo, known: Properties): Properties {
  const options = Object.entries(facts.Options ?? {});
  return {
    ...stateOf(VOLUME, known),
    id: facts.Name,
    name: facts.Name,
    driver: facts.Driver,
    driverOpts: options.length === 0 ? null : Object.fromEntries(options),
    labels: labelList(facts.Labels),
    mountpoint: facts.Mountpoint,
  };
}
