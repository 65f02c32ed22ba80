import type Docker from "dockerode";
import type { Properties } from "../protocol/value.ts";
import { textMapOf, textOf } from "../schema/read-value.ts";
import { map, refused, replaced, type Schema, text } from "../schema/schema.ts";
import { stateOf } from "../schema/state.ts";
import { LABELS, labelList, labelMap } from "./labels.ts";
import type { Kind } from "./replaced-resource.ts";

/** docker:index/volume:Volume as the official plugin 5.2 has it: every change makes a new, empty volume. */
export const VOLUME: Schema = {
  name: replaced(text(), { required: true }),
  driver: replaced(text(), { computed: true }),
  driverOpts: replaced(map(text()), { refreshed: {} }),
  labels: replaced(LABELS),
  cluster: refused(null),
};

/** Volumes, by their name. An existing one of that name is taken as it is, like Docker and the official plugin do. */
export const volumes: Kind<Docker.VolumeInspectInfo> = {
  noun: "volume",
  title: "docker Volume",
  schema: VOLUME,
  outputs: ["id", "mountpoint"],
  // "volume is in use".
  inUseStatus: 409,
  create: async (docker, inputs) => {
    await docker.createVolume(volumeOptions(inputs));
    return docker.getVolume(String(inputs.name)).inspect();
  },
  inspect: (docker, id) => docker.getVolume(id).inspect(),
  remove: (docker, id, abortSignal) => docker.getVolume(id).remove({ force: true, abortSignal }),
  idOf: ({ Name }) => Name,
  state: volumeState,
};

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
