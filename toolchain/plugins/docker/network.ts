import type Docker from "dockerode";
import type { Properties } from "../protocol/value.ts";
import { recordsOf, textMapOf, textOf } from "../schema/read-value.ts";
import { flag, map, record, refused, replaced, type Schema, set, text } from "../schema/schema.ts";
import { stateOf } from "../schema/state.ts";
import { LABELS, labelList, labelMap } from "./labels.ts";
import type { Kind } from "./replaced-resource.ts";

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
  ipamOptions: refused(null, {}),
};

/** Networks, by their id. */
export const networks: Kind<NetworkFacts> = {
  noun: "network",
  title: "docker Network",
  schema: NETWORK,
  outputs: ["id", "scope"],
  // "has active endpoints".
  inUseStatus: 403,
  create: async (docker, inputs) => factsOf(await docker.createNetwork(networkOptions(inputs))),
  inspect: (docker, id) => factsOf(docker.getNetwork(id)),
  remove: (docker, id, abortSignal) => docker.getNetwork(id).remove({ abortSignal }),
  idOf: ({ Id }) => Id,
  state: networkState,
};

interface NetworkFacts extends Docker.NetworkInspectInfo {
  EnableIPv6: boolean;
}

/** Docker tells of IPv6; the client's types do not. */
function factsOf(network: Docker.Network): Promise<NetworkFacts> {
  return network.inspect() as Promise<NetworkFacts>;
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
