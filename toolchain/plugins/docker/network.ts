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
import { flag, map, record, refused, replaced, type Schema, set, text } from "../schema/schema.ts";
import { importedInputs, plannedState, refreshedInputs, stateOf } from "../schema/state.ts";
import { type Client, doing, ifExists } from "./client.ts";
import { LABELS, labelList, labelMap } from "./labels.ts";
import { recordsOf, textMapOf, textOf } from "./read-value.ts";
import { removeWhenFree } from "./removal.ts";

/** docker:index/network:Network as the official plugin 5.2 has it: every change makes a new network. */
export const NETWORK: Schema = {
  name: replaced(text(), { required: true }),
  driver: replaced(text(), { computed: true }),
  options: replaced(map(text()), { computed: true }),
  labels: replaced(LABELS),
  internal: replaced(flag(), { computed: true, absent: false }),
  attachable: replaced(flag(), { absent: false }),
  ipv6: replaced(flag(), { absent: false }),
  ipamDriver: replaced(text(), { default: "default" }),
  ipamConfigs: replaced(
    set(
      record({
        subnet: { kind: text() },
        gateway: { kind: text() },
        ipRange: { kind: text() },
        auxAddress: { kind: map(text()) },
      }),
    ),
    { computed: true },
  ),
  ingress: refused(false),
  ipamOptions: refused(null),
};

const OUTPUTS = ["id", "scope"] as const;

export class NetworkResource implements Resource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(NETWORK, inputs, "docker Network");
  }

  diff({ state, inputs }: DiffRequest): Difference {
    return { changes: changesOf(NETWORK, state, inputs), deleteBeforeReplace: true };
  }

  async create(operation: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (operation.preview) return { id: "", outputs: plannedState(NETWORK, inputs, OUTPUTS) };
    const docker = await this.#client.docker();
    const what = `creating network ${inputs.name}`;
    const network = await doing(what, this.#client, docker.createNetwork(networkOptions(inputs)));
    const facts = (await doing(what, this.#client, network.inspect())) as NetworkFacts;
    return { id: facts.Id, outputs: networkState(facts, inputs) };
  }

  /** Never called: there is no change that does not replace. */
  async update(_: Operation, { state, inputs }: UpdateRequest): Promise<MarkedProperties> {
    return { ...state, ...inputs };
  }

  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    const network = (await this.#client.docker()).getNetwork(id);
    const found = await doing(`reading network ${id}`, this.#client, ifExists(network.inspect()));
    if (found === undefined) return undefined;
    const facts = found as NetworkFacts;
    const outputs = networkState(facts, known?.state ?? {});
    const inputs =
      known === undefined
        ? importedInputs(NETWORK, outputs)
        : refreshedInputs(NETWORK, known.inputs, known.state, outputs);
    return { id: facts.Id, outputs, inputs };
  }

  async delete(operation: Operation, { id, state }: DeleteRequest): Promise<void> {
    const network = (await this.#client.docker()).getNetwork(id);
    // 403: "has active endpoints".
    const removed = removeWhenFree(() => network.remove({ abortSignal: operation.signal }), 403, operation);
    await doing(`removing network ${textOf(state.name) ?? id}`, this.#client, removed);
  }
}

interface NetworkFacts extends Docker.NetworkInspectInfo {
  EnableIPv6: boolean;
}

export function networkOptions(inputs: Properties): Docker.NetworkCreateOptions {
  const configs = recordsOf(inputs.ipamConfigs).map((config) => ({
    ...(textOf(config.subnet) === undefined ? {} : { Subnet: String(config.subnet) }),
    ...(textOf(config.gateway) === undefined ? {} : { Gateway: String(config.gateway) }),
    ...(textOf(config.ipRange) === undefined ? {} : { IPRange: String(config.ipRange) }),
    AuxiliaryAddresses: textMapOf(config.auxAddress),
  }));
  return {
    Name: String(inputs.name),
    // Docker allows two networks of one name; nobody wants that.
    CheckDuplicate: true,
    Driver: textOf(inputs.driver) ?? "bridge",
    Options: textMapOf(inputs.options),
    Labels: labelMap(inputs.labels),
    Internal: inputs.internal === true,
    Attachable: inputs.attachable === true,
    EnableIPv6: inputs.ipv6 === true,
    IPAM: { Driver: String(inputs.ipamDriver), Config: configs },
  };
}

export function networkState(facts: NetworkFacts, known: Properties): Properties {
  return {
    ...stateOf(NETWORK, known),
    id: facts.Id,
    name: facts.Name,
    driver: facts.Driver,
    options: facts.Options ?? {},
    labels: labelList(facts.Labels),
    internal: facts.Internal,
    attachable: facts.Attachable,
    ingress: facts.Ingress,
    ipv6: facts.EnableIPv6,
    scope: facts.Scope,
    ipamDriver: facts.IPAM?.Driver ?? "default",
    ipamConfigs: ((facts.IPAM?.Config ?? []) as Record<string, unknown>[]).map((config) => ({
      subnet: String(config.Subnet ?? ""),
      gateway: String(config.Gateway ?? ""),
      ipRange: String(config.IPRange ?? ""),
      auxAddress: (config.AuxiliaryAddresses ?? null) as Properties | null,
    })),
  };
}
