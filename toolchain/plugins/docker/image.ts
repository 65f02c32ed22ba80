import type Docker from "dockerode";
import {
  type CheckResult,
  type Created,
  type CreateRequest,
  type DeleteRequest,
  type Difference,
  type DiffRequest,
  type Found,
  failure,
  type Operation,
  type ReadRequest,
  type Resource,
  type Subject,
  type UpdateRequest,
} from "../protocol/resource.ts";
import { isProperties, type MarkedProperties, type Properties } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { textOf } from "../schema/read-value.ts";
import { importedInputs, plannedState, refreshedInputs, refreshedState, stateOf } from "../schema/state.ts";
import { type Client, doing, hasStatus, ifExists } from "./client.ts";
import { buildImage } from "./image-build.ts";
import { findOrPull } from "./image-pull.ts";
import { IMAGE, IMAGE_OUTPUTS } from "./image-schema.ts";

export class ImageResource implements Resource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  check({ name }: Subject, given: Properties): CheckResult {
    const { inputs, failures } = checkInputs(IMAGE, given, "docker RemoteImage");
    if (inputs.build !== undefined && inputs.pullTriggers !== undefined) {
      const conflict = '"build": conflicts with pull_triggers.';
      failures.push(
        failure(`Conflicting configuration arguments. ${conflict} Examine values at '${name}.build'.`),
      );
    }
    return { inputs, failures };
  }

  diff({ state, inputs }: DiffRequest): Difference {
    const changes = changesOf(IMAGE, state, inputs);
    const builds = changes.some((change) => change.property === "build");
    if (changes.length > 0 && !builds && isProperties(inputs.build)) {
      // The official plugin reports `build` along with any other change.
      changes.push({ property: "build", kind: "update", replace: changes.some((change) => change.replace) });
    }
    return { changes, deleteBeforeReplace: false };
  }

  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (operation.preview) return { id: "", outputs: plannedState(IMAGE, inputs, IMAGE_OUTPUTS) };
    const docker = await this.#client.docker();
    const name = String(inputs.name);
    const platform = textOf(inputs.platform);
    if (isProperties(inputs.build)) {
      const built = buildImage(docker, name, platform, inputs.build, operation);
      await doing(`building image ${name}`, this.#client, built);
    }
    const facts = await doing(
      `finding image ${name}`,
      this.#client,
      findOrPull(docker, name, platform, operation),
    );
    return { id: stateId(facts, name), outputs: imageState(facts, inputs) };
  }

  async update(operation: Operation, { state, inputs }: UpdateRequest): Promise<MarkedProperties> {
    if (operation.preview) return { ...state, ...stateOf(IMAGE, inputs) };
    const name = String(inputs.name);
    const docker = await this.#client.docker();
    const found = findOrPull(docker, name, textOf(inputs.platform), operation);
    return imageState(await doing(`finding image ${name}`, this.#client, found), inputs);
  }

  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const name = known === undefined ? importedName(id) : String(known.state.name);
    const image = (await this.#client.docker()).getImage(name);
    const facts = await doing(`reading image ${name}`, this.#client, ifExists(image.inspect()));
    if (facts === undefined) return undefined;
    const outputs = refreshedState(IMAGE, imageState(facts, known?.state ?? { name }));
    const inputs =
      known === undefined
        ? importedInputs(IMAGE, outputs)
        : refreshedInputs(IMAGE, known.inputs, known.state, outputs);
    return { id: stateId(facts, name), outputs, inputs };
  }

  /** When the name has moved to a newer image, as after a rebuild, only the old image may go, and only if unused. */
  async delete(_: Operation, { state }: DeleteRequest): Promise<void> {
    if (state.keepLocally === true) return;
    const docker = await this.#client.docker();
    const name = String(state.name);
    const named = await doing(
      `reading image ${name}`,
      this.#client,
      ifExists(docker.getImage(name).inspect()),
    );
    const current = named?.Id === state.imageId;
    const image = docker.getImage(current ? name : String(state.imageId));
    const removed = image.remove({ force: state.forceRemove === true });
    await doing(`removing image ${name}`, this.#client, ifExists(current ? removed : unlessUsed(removed)));
  }
}

/** 409: a container of somebody else still runs from it. */
async function unlessUsed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
  }
}

function imageState(facts: Docker.ImageInspectInfo, known: Properties): Properties {
  return {
    ...stateOf(IMAGE, known),
    id: stateId(facts, String(known.name)),
    imageId: facts.Id,
    repoDigest: repoDigest(String(known.name), facts.RepoDigests ?? []),
  };
}

/** The official plugin's id of an image: image id and name in one. */
function stateId(facts: Docker.ImageInspectInfo, name: string): string {
  return `${facts.Id}${name}`;
}

/** An image is imported by its name, or by the id in a state. */
function importedName(id: string): string {
  return id.replace(/^sha256:[0-9a-f]{64}(?=.)/, "");
}

/** The digest under which a registry has the image, `repository@sha256:...`; empty for one that was built here. */
export function repoDigest(name: string, digests: readonly string[]): string {
  const repository = name.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return digests.find((digest) => digest.startsWith(`${repository}@`)) ?? digests[0] ?? "";
}
