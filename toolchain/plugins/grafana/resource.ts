import {
  type Change,
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
import type { MarkedProperties, Properties, Value } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { refused, type Schema } from "../schema/schema.ts";
import { importedInputs, plannedState, refreshedInputs, stateOf } from "../schema/state.ts";
import { type Call, type GrafanaApi, ifExists } from "./api.ts";

/** Sends one request under the signal of the operation. */
export interface Session {
  call(call: Call): Promise<Value>;
  /** Address of a page of Grafana's. */
  address(path: string): string;
}

/** A kind of thing that Grafana keeps. Ids are its own names for them, without the organisation. */
export interface Kind {
  /** As messages name it, e.g. `folder`. */
  noun: string;
  /** As the official plugin names it, e.g. `grafana Folder`. */
  title: string;
  schema: Schema;
  /** What Grafana decides. */
  outputs: readonly string[];
  /** @returns the id */
  create(session: Session, inputs: Properties): Promise<string>;
  update(session: Session, id: string, inputs: Properties, state: Properties): Promise<void>;
  /** @param known the state so far, for what Grafana does not tell; empty for an import */
  read(session: Session, id: string, known: Properties): Promise<Properties | undefined>;
  delete(session: Session, id: string, state: Properties): Promise<void>;
  /** Whether the official plugin passes over a change. */
  isNoChange?(change: Change, state: Properties, inputs: Properties): boolean;
}

/** The organisation that every Grafana has from its start; the only one that the stand-in knows. */
const ORGANISATION = "1";

/** The input that names another organisation. */
export const ORG_ID = refused(ORGANISATION);

/** One of Grafana's things as a resource, with ids as in the official plugin: `<organisation>:<id>`. */
export class GrafanaResource implements Resource {
  readonly #api: GrafanaApi;
  readonly #kind: Kind;

  constructor(api: GrafanaApi, kind: Kind) {
    this.#api = api;
    this.#kind = kind;
  }

  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(this.#kind.schema, inputs, this.#kind.title);
  }

  diff({ state, inputs }: DiffRequest): Difference {
    const { schema, isNoChange } = this.#kind;
    const changes = changesOf(schema, state, inputs);
    return {
      changes:
        isNoChange === undefined ? changes : changes.filter((change) => !isNoChange(change, state, inputs)),
      deleteBeforeReplace: false,
    };
  }

  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    const { schema, outputs, ...kind } = this.#kind;
    if (operation.preview) return { id: "", outputs: plannedState(schema, inputs, ["id", ...outputs]) };
    const session = this.#session(operation);
    const name = await this.#doing("creating", String(inputs.name ?? inputs.uid ?? inputs.title ?? ""), () =>
      kind.create(session, inputs),
    );
    const id = `${ORGANISATION}:${name}`;
    try {
      return { id, outputs: await this.#present(session, name, inputs) };
    } catch (error) {
      // It is there: forgotten, it would stand in the way of the next try.
      throw new InitializationFailure(id, stateOf(schema, inputs), messageOf(error));
    }
  }

  async update(operation: Operation, { id, state, inputs }: UpdateRequest): Promise<MarkedProperties> {
    if (operation.preview) return { ...state, ...stateOf(this.#kind.schema, inputs), ...kept(state) };
    const session = this.#session(operation);
    const name = nameIn(id);
    await this.#doing("changing", name, () => this.#kind.update(session, name, inputs, state));
    return this.#present(session, name, { ...state, ...inputs });
  }

  async read(operation: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const { schema } = this.#kind;
    const name = nameIn(id);
    const outputs = await this.#find(this.#session(operation), name, known?.state ?? {});
    if (outputs === undefined) return undefined;
    const inputs =
      known === undefined
        ? importedInputs(schema, outputs)
        : refreshedInputs(schema, known.inputs, known.state, outputs);
    return { id: `${ORGANISATION}:${name}`, outputs, inputs };
  }

  async delete(operation: Operation, { id, state }: DeleteRequest): Promise<void> {
    const session = this.#session(operation);
    const name = nameIn(id);
    await this.#doing("removing", name, () => ifExists(this.#kind.delete(session, name, state)));
  }

  async #present(session: Session, name: string, known: Properties): Promise<Properties> {
    const state = await this.#find(session, name, known);
    if (state === undefined) throw new Error(`Grafana does not know ${this.#kind.noun} ${name} it just took`);
    return state;
  }

  async #find(session: Session, name: string, known: Properties): Promise<Properties | undefined> {
    const { schema, read } = this.#kind;
    const found = await this.#doing("reading", name, () => ifExists(read(session, name, known)));
    if (found === undefined) return undefined;
    return {
      ...stateOf(schema, found),
      ...outputsIn(found, this.#kind.outputs),
      id: `${ORGANISATION}:${name}`,
    };
  }

  #session({ signal }: Operation): Session {
    return {
      call: (call) => this.#api.call(call, signal),
      address: (path) => this.#api.address(path),
    };
  }

  async #doing<Result>(what: string, name: string, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw new Error(`${what} ${this.#kind.noun} ${name}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** The organisation may be left out of an id that is imported. */
function nameIn(id: string): string {
  return id.replace(/^\d+:/, "");
}

function kept({ id, orgId }: Properties): Properties {
  return { ...(id === undefined ? {} : { id }), ...(orgId === undefined ? {} : { orgId }) };
}

function outputsIn(found: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(names.map((name) => [name, found[name] ?? null]));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
