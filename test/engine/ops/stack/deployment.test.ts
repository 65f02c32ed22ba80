import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { deploy, openStack, removeContainers } from "../../../../ops/stack/deployment.ts";
import { makeProject, type Project } from "../../../harness/support/project.ts";

const STACK = "elsewhere";
const VOLUME = "docker:index/volume:Volume";

/** What is looked at of an exported state. */
const exported = z.object({ resources: z.array(z.object({ id: z.string().optional() })) });

let project: Project;

beforeAll(() => {
  project = makeProject("deployment");
  project.configure(STACK, { model: { provider: "embedded" } });
});

afterAll(() => project.remove());

it("a stack whose volumes another engine has is neither deployed nor taken down on this one, and its state keeps them", async () => {
  const context = project.context(STACK);
  const stack = await openStack(context);
  const urn = (type: string, name: string) => `urn:pulumi:${STACK}::mem0::${type}::${name}`;
  const data = { type: VOLUME, custom: true, protect: true, retainOnDelete: true, inputs: {}, outputs: {} };
  const volumes = ["postgres", "neo4j", "data"].map((store) => ({
    ...data,
    urn: urn(VOLUME, `${store}-volume`),
    id: `mem0_${store}_${STACK}`,
  }));
  const root = {
    urn: urn("pulumi:pulumi:Stack", `mem0-${STACK}`),
    type: "pulumi:pulumi:Stack",
    custom: false,
  };
  const { version, deployment } = await stack.exportStack();
  await stack.importStack({ version, deployment: { ...deployment, resources: [root, ...volumes] } });

  const refusal =
    `this Docker engine does not have the data of stack ${STACK}: ` +
    `no volume mem0_postgres_${STACK}, mem0_neo4j_${STACK}, mem0_data_${STACK}`;
  await expect(deploy(context, () => {})).rejects.toThrow(refusal);
  await expect(removeContainers(context, () => {})).rejects.toThrow(refusal);
  const kept = exported.parse((await stack.exportStack()).deployment).resources.map(({ id }) => id);
  expect(kept).toEqual([undefined, ...volumes.map(({ id }) => id)]);
});
