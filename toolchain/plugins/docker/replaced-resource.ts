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
} from "../protocol/resource.ts";
import type { Properties } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import type { Schema } from "../schema/schema.ts";
import { importedInputs, plannedState, refreshedInputs, refreshedState } from "../schema/state.ts";
import { type Client, doing, ifExists } from "./client.ts";
import { removeWhenFree } from "./removal.ts";

/** A kind of thing that Docker cannot change: networks and volumes. `Facts` is what Docker tells of one. */
export interface Kind<Facts> {
  /** As messages name it, e.g. `network`. */
  noun: string;
  /** As the official plugin names it, e.g. `docker Network`. */
  title: string;
  schema: Schema;
  /** What Docker decides. */
  outputs: readonly string[];
  /** Docker's status for a thing that containers still hold. */
  inUseStatus: number;
  create(docker: Docker, inputs: Properties): Promise<Facts>;
  inspect(docker: Docker, id: string): Promise<Facts>;
  remove(docker: Docker, id: string, signal: AbortSignal): Promise<unknown>;
  idOf(facts: Facts): string;
  state(facts: Facts, known: Properties): Properties;
}

/** A resource whose every change makes a new one, deleted before its replacement as its name is taken. */
export class ReplacedResource<Facts> implements Resource {
  readonly #client: Client;
  readonly #kind: Kind<Facts>;

  constructor(client: Client, kind: Kind<Facts>) {
    this.#client = client;
    this.#kind = kind;
  }

  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(this.#kind.schema, inputs, this.#kind.title);
  }

  diff({ state, inputs }: DiffRequest): Difference {
    return { changes: changesOf(this.#kind.schema, state, inputs), deleteBeforeReplace: true };
  }

  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    const { noun, schema, outputs, ...kind } = this.#kind;
    if (operation.preview) return { id: "", outputs: plannedState(schema, inputs, outputs) };
    const created = kind.create(await this.#client.docker(), inputs);
    const facts = await doing(`creating ${noun} ${inputs.name}`, this.#client, created);
    return { id: kind.idOf(facts), outputs: kind.state(facts, inputs) };
  }

  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const { noun, schema, ...kind } = this.#kind;
    const found = ifExists(kind.inspect(await this.#client.docker(), id));
    const facts = await doing(`reading ${noun} ${id}`, this.#client, found);
    if (facts === undefined) return undefined;
    const outputs = refreshedState(schema, kind.state(facts, known?.state ?? {}));
    const inputs =
      known === undefined
        ? importedInputs(schema, outputs)
        : refreshedInputs(schema, known.inputs, known.state, outputs);
    return { id: kind.idOf(facts), outputs, inputs };
  }

  async delete(operation: Operation, { id, state }: DeleteRequest): Promise<void> {
    const { noun, inUseStatus, remove } = this.#kind;
    const docker = await this.#client.docker();
    const removed = removeWhenFree(() => remove(docker, id, operation.signal), inUseStatus, operation);
    await doing(`removing ${noun} ${state.name ?? id}`, this.#client, removed);
  }
}
