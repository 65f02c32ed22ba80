import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  CONSTRUCTORS,
  type Contract,
  deviations,
  type Properties,
  type RecordedEdit,
  readContract,
  renamed,
} from "./contract.ts";
import { baseImage, type ExportedResource, freePort, nameOf, Sandbox, type Step } from "./sandbox.ts";

/** Inputs that the official plugins take and the stand-ins refuse. All else is to behave as recorded. */
const REFUSED = ["logs", "rm", "uploads"];

let sandbox: Sandbox;
let contract: Contract;

beforeAll(async () => {
  sandbox = await Sandbox.create();
  const context = path.join(sandbox.directory, "ctx");
  await mkdir(context);
  await writeFile(path.join(context, "a.txt"), "a\n");
  await writeFile(path.join(context, "Dockerfile"), `FROM ${await baseImage()}\nARG X\nRUN echo $X > /x\n`);
  contract = renamed(await readContract(), {
    xnet: `${sandbox.prefix}-net`,
    xnetb: `${sandbox.prefix}-netb`,
    xvol: `${sandbox.prefix}-vol`,
    xvolb: `${sandbox.prefix}-volb`,
    ximg: `${sandbox.prefix}-img`,
    xc: `${sandbox.prefix}-c`,
    xc2: `${sandbox.prefix}-c2`,
    "./ctx": context,
    CONTEXT: context,
    18997: await freePort(),
    18996: await freePort(),
  });
});

afterAll(async () => {
  await sandbox.dispose();
});

test("one program of every resource records the inputs and outputs of the official plugins", async () => {
  const outcome = await sandbox.up(async () => void group(""));
  expect(outcome.error).toBeUndefined();
  for (const [name, { inputs, outputs }] of Object.entries(contract.base)) {
    const state = await sandbox.state(name);
    expect(deviations(recordedInputs(name, inputs), state.inputs as Properties), `inputs of ${name}`).toEqual(
      [],
    );
    expect(deviations(outputs, state.outputs as Properties), `outputs of ${name}`).toEqual([]);
  }
});

test("neither preview, refresh nor up finds anything to do in an unchanged program", async () => {
  expect(await sandbox.leftToDo(async () => void group(""))).toEqual([]);
});

/**
 * A preview reads the state and nothing else, so one preview can tell about all edits: the state gets a copy of the
 * resources for each edit, and the program makes the edit in that copy.
 */
test("each recorded edit previews the recorded operations, keys of replacement and differences", async () => {
  const edits = contract.edits.filter((edit) => edit.error === undefined && !isRefused(edit));
  expect(edits.length).toBeGreaterThan(75);
  const original = await sandbox.exported();
  const copies = edits.flatMap((edit, index) => copied(original.resources, membersFor(edit), `-${index}`));
  await sandbox.import({ ...original, resources: [...original.resources, ...copies] });

  const outcome = await sandbox.preview(async () => {
    group("");
    for (const [index, edit] of edits.entries()) group(`-${index}`, edit);
  });
  await sandbox.import(original);

  expect(outcome.error).toBeUndefined();
  for (const [index, { resource, edit, result }] of edits.entries()) {
    const told = summary(outcome.steps, `-${index}`);
    expect(told, `${resource} with ${JSON.stringify(edit)}`).toEqual(result);
  }
});

test("what the stand-ins do not implement is refused by name", async () => {
  const refused = contract.edits.filter(isRefused);
  expect(refused.flatMap(({ edit }) => Object.keys(edit)).sort()).toEqual(REFUSED);
  for (const edit of refused) {
    const outcome = await sandbox.preview(async () => void group("", edit));
    expect(outcome.error).toBeDefined();
    const texts = outcome.messages.map((message) => message.text).join();
    expect(texts).toContain(`"${Object.keys(edit.edit)[0]}": `);
    expect(texts).toContain("implemented by this stand-in");
  }
});

test("inputs that contradict each other get the recorded error", async () => {
  const conflicts = contract.edits.filter((edit) => edit.error !== undefined);
  expect(conflicts).toHaveLength(1);
  for (const edit of conflicts) {
    const outcome = await sandbox.preview(async () => void group("", edit));
    const recorded = edit.error?.[0]?.replace(/^error: /, "").trim();
    expect(outcome.messages.map((message) => message.text.trim())).toContain(recorded);
  }
});

/** The recorded program, or the part of it that an edit concerns, with that edit made. */
function group(suffix: string, edited?: RecordedEdit): void {
  const made: Record<string, pulumi.CustomResource> = {};
  for (const name of edited === undefined || suffix === ""
    ? Object.keys(contract.base)
    : membersFor(edited)) {
    const { type, inputs } = contract.base[name] ?? { type: "", inputs: {} };
    const Resource = CONSTRUCTORS[type];
    if (Resource === undefined) throw new Error(`no constructor for ${type}`);
    const args = {
      ...inputs,
      ...(name === "c" ? wired(inputs, made) : {}),
      ...(name === edited?.resource ? edited.edit : {}),
    };
    made[name] = new Resource(`${name}${suffix}`, args as never);
  }
}

/** The container takes image, volume and network from the resources, as in the recorded program. */
function wired(inputs: Properties, made: Record<string, pulumi.CustomResource>): object {
  const { img, vol, net } = made as { img: docker.RemoteImage; vol: docker.Volume; net: docker.Network };
  const [volume, bind] = inputs.mounts as Properties[];
  const [network] = inputs.networksAdvanced as Properties[];
  return {
    image: img.imageId,
    mounts: [{ ...volume, source: vol.name }, bind],
    networksAdvanced: [{ ...network, name: net.name }],
  };
}

/** The image's id is not known before the run. */
function recordedInputs(name: string, inputs: Properties): Properties {
  return name === "c" ? { ...inputs, image: "<varies>" } : inputs;
}

function membersFor({ resource }: RecordedEdit): string[] {
  return ["c", "net", "vol", "img"].includes(resource) ? ["vol", "img", "net", "c"] : [resource];
}

function isRefused({ edit }: RecordedEdit): boolean {
  return Object.keys(edit).some((key) => REFUSED.includes(key));
}

/** Copies of resources in a state, under other names, that refer to each other. */
function copied(resources: ExportedResource[], names: string[], suffix: string): ExportedResource[] {
  const members = resources.filter(({ urn, custom }) => custom && names.includes(nameOf(urn)));
  return members.map((member) => {
    const text = members.reduce(
      (json, { urn }) => json.replaceAll(JSON.stringify(urn), JSON.stringify(urn + suffix)),
      JSON.stringify(member),
    );
    return JSON.parse(text);
  });
}

/** Steps by resource, as the record has them: the two halves of a replacement are part of it. */
function summary(steps: Step[], suffix: string): RecordedEdit["result"] {
  const own = steps.filter(
    ({ name, op }) => name.endsWith(suffix) && op !== "create-replacement" && op !== "delete-replaced",
  );
  return Object.fromEntries(
    own.map(({ name, op, replace, diff }) => [
      name.slice(0, -suffix.length),
      { ops: [op], replace: [...replace].sort(), diff: [...diff].sort() },
    ]),
  );
}
