import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  CONSTRUCTORS,
  deviations,
  type Properties,
  type RecordedResource,
  readProgramRecord,
  renamed,
} from "./contract.ts";
import { baseImage, freePort, Sandbox } from "./sandbox.ts";

/**
 * Our own program as a TEST stack, recorded under the official plugins, and declared here under the stand-ins. Its
 * containers start from images that do nothing, with the entrypoint and command of the recorded ones, and are healthy
 * at once; all else is as recorded.
 */

const CONTAINER = "docker:index/container:Container";
const IMAGE = "docker:index/remoteImage:RemoteImage";

/** What is another at each run, and not masked in the record. */
const VARYING: Readonly<Record<string, readonly string[]>> = {
  [CONTAINER]: ["id", "networkDatas"],
  [IMAGE]: ["id", "imageId"],
  "docker:index/network:Network": ["ipamConfigs"],
  "command:local:Command": ["stdout"],
  "random:index/randomId:RandomId": ["id", "b64Std", "b64Url", "dec", "hex"],
};

let sandbox: Sandbox;
let recorded: RecordedResource[];

beforeAll(async () => {
  sandbox = await Sandbox.create();
  const { test: resources } = await readProgramRecord();
  const names: Record<string, string | number> = {
    "<state home>": path.join(sandbox.directory, "state"),
    // The label by which recovery finds what belongs to a set-up.
    "7040f9819d1f": sandbox.prefix,
  };
  for (const { type, inputs, outputs } of resources) {
    if (type === IMAGE) {
      const { context, buildArgs } = inputs.build as { context: string; buildArgs: Record<string, string> };
      const service = path.basename(context);
      names[String(inputs.name)] = `${sandbox.prefix}-${service}:test`;
      names[context] = path.join(sandbox.directory, service);
      names[String(buildArgs.BASE_IMAGE)] = await baseImage();
    } else if (type === "docker:index/network:Network" || type === "docker:index/volume:Volume") {
      names[String(inputs.name)] = `${sandbox.prefix}-${String(inputs.name)}`;
    } else if (type === CONTAINER) {
      names[String(inputs.name)] = `${sandbox.prefix}-${String(inputs.name)}`;
      for (const { external } of inputs.ports as Properties[]) names[Number(external)] = await freePort();
      await writeIdleImage(sourceOf(String(inputs.hostname)), inputs, outputs);
    }
  }
  recorded = renamed(resources, names).map(alwaysHealthy);
});

afterAll(async () => {
  await sandbox.dispose();
});

test("after up and refresh our own program has the inputs and outputs that were recorded under the official plugins, and neither finds anything to do", async () => {
  expect(await sandbox.up(program)).toMatchObject({ error: undefined });
  expect(await sandbox.refresh()).toMatchObject({ steps: [], error: undefined });
  for (const { name, type, inputs, outputs } of recorded) {
    const state = await sandbox.state(name);
    const varies = Object.fromEntries((VARYING[type] ?? []).map((output) => [output, "<varies>"]));
    expect(deviations(masked(inputs), state.inputs as Properties), `inputs of ${name}`).toEqual([]);
    const wanted = masked({ ...outputs, ...varies });
    expect(deviations(wanted, state.outputs as Properties), `outputs of ${name}`).toEqual([]);
  }
  expect(await sandbox.leftToDo(program)).toEqual([]);
});

/** Containers after all that they mount; each takes its image from the resource that builds it. */
async function program(): Promise<void> {
  const images = new Map<string, docker.RemoteImage>();
  const before: pulumi.CustomResource[] = [];
  for (const { type, name, inputs } of recorded) {
    const Resource = CONSTRUCTORS[type];
    if (Resource === undefined) throw new Error(`no constructor for ${type}`);
    const isContainer = type === CONTAINER;
    const image = isContainer ? { image: images.get(`images-${String(inputs.hostname)}`)?.imageId } : {};
    const made = new Resource(
      name,
      { ...inputs, ...image } as never,
      isContainer ? { dependsOn: before } : {},
    );
    if (!isContainer) before.push(made);
    if (type === IMAGE) images.set(name, made as docker.RemoteImage);
  }
}

function sourceOf(hostname: string): string {
  return hostname === "metrics_exporter" ? "exporter" : hostname;
}

/** A build context whose image has the entrypoint and command of the recorded one, and sleeps. */
async function writeIdleImage(service: string, inputs: Properties, outputs: Properties): Promise<void> {
  const entrypoint = outputs.entrypoints as string[];
  const command = inputs.command === undefined ? (outputs.command as string[]) : [];
  const executable = `/usr/local/bin/${entrypoint[0] ?? command[0]}`;
  const directory = path.join(sandbox.directory, service);
  await mkdir(directory);
  await writeFile(
    path.join(directory, "Dockerfile"),
    [
      "ARG BASE_IMAGE",
      "FROM $BASE_IMAGE",
      `RUN printf '#!/bin/sh\\nexec sleep infinity\\n' >${executable} && chmod 755 ${executable}`,
      `ENTRYPOINT ${JSON.stringify(entrypoint)}`,
      `CMD ${JSON.stringify(command)}`,
      "",
    ].join("\n"),
  );
}

function alwaysHealthy(resource: RecordedResource): RecordedResource {
  if (resource.type !== CONTAINER) return resource;
  const healthy = (properties: Properties) => ({
    ...properties,
    healthcheck: { ...(properties.healthcheck as Properties), tests: ["CMD", "true"] },
  });
  return { ...resource, inputs: healthy(resource.inputs), outputs: healthy(resource.outputs) };
}

/** Texts that the record leaves out stand for any. */
function masked(properties: Properties): Properties {
  const text = JSON.stringify(properties, (_, value) =>
    typeof value === "string" && /^(sha256:)?<(id|secret)>$/.test(value) ? "<varies>" : value,
  );
  return JSON.parse(text);
}
