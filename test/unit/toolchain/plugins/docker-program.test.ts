import { expect, test } from "vitest";
import { createOptions } from "../../../../toolchain/plugins/docker/container-request.ts";
import { CONTAINER } from "../../../../toolchain/plugins/docker/container-schema.ts";
import { containerState } from "../../../../toolchain/plugins/docker/container-state.ts";
import { checkInputs } from "../../../../toolchain/plugins/schema/check.ts";
import { changesOf } from "../../../../toolchain/plugins/schema/compare.ts";
import { refreshedState } from "../../../../toolchain/plugins/schema/state.ts";
import {
  deviations,
  type Properties,
  readProgramRecord,
} from "../../../engine/toolchain/plugins/contract.ts";
import { described } from "./described.ts";

const record = await readProgramRecord();
const containers = Object.entries(record).flatMap(([program, resources]) =>
  resources
    .filter(({ type }) => type === "docker:index/container:Container")
    .map((resource) => ({ ...resource, title: `${program}: ${resource.name}` })),
);

test.each(containers)(
  "under the stand-in a container of our own program has the recorded inputs and outputs, $title",
  ({ inputs: recorded, outputs }) => {
    const { inputs, failures } = checkInputs(CONTAINER, recorded, "docker Container");
    expect(failures).toEqual([]);
    expect(deviations(recorded, inputs as Properties)).toEqual([]);

    const facts = described(createOptions(inputs));
    // What its image brings, and what Docker adds.
    Object.assign(facts.Config, { Entrypoint: outputs.entrypoints, Cmd: outputs.command });
    Object.assign(facts.Config, { Domainname: "", WorkingDir: "" });
    facts.HostConfig.IpcMode = "private";
    const state = refreshedState(CONTAINER, containerState(facts, inputs));
    const wanted = { ...outputs, id: "<varies>", networkDatas: "<varies>" };
    expect(deviations(wanted, state as Properties)).toEqual([]);
    expect(changesOf(CONTAINER, state, inputs)).toEqual([]);
  },
);
