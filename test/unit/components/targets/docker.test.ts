import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Network } from "../../../../components/network.ts";
import type { ServiceSpec, Store } from "../../../../components/service.ts";
import { DockerTarget } from "../../../../components/targets/docker.ts";
import { cpusSpelling } from "../../../../config/docker-spelling.ts";
import { SERVICES } from "../../../../config/names.ts";
import { stackSchema } from "../../../../config/schema.ts";
import { createOptions } from "../../../../toolchain/plugins/docker/container-request.ts";
import { CONTAINER } from "../../../../toolchain/plugins/docker/container-schema.ts";
import { containerState } from "../../../../toolchain/plugins/docker/container-state.ts";
import type { Properties } from "../../../../toolchain/plugins/protocol/value.ts";
import { checkInputs } from "../../../../toolchain/plugins/schema/check.ts";
import { changesOf } from "../../../../toolchain/plugins/schema/compare.ts";
import { refreshedState } from "../../../../toolchain/plugins/schema/state.ts";
import { exampleSettings } from "../../../harness/support/example-settings.ts";
import { declared } from "../../../harness/support/mock-engine.ts";
import { described } from "../../toolchain/plugins/described.ts";

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const port = fc.integer({ min: 1024, max: 65_535 });
const seconds = fc.integer({ min: 1, max: 3600 });

const limits = fc.record(
  {
    memoryMb: fc.integer({ min: 128, max: 262_144 }),
    // As the rules of a stack file leave them.
    cpus: fc
      .oneof(
        fc.integer({ min: 1, max: 640 }).map((tenths) => tenths / 10),
        fc.double({ min: 0.1, max: 64, noNaN: true }).map((cpus) => Math.round(cpus * 100) / 100),
      )
      .filter((cpus) => cpusSpelling(cpus) !== undefined),
    shmMb: fc.integer({ min: 1, max: 1024 }),
  },
  { requiredKeys: ["memoryMb", "cpus"] },
);

const spec: fc.Arbitrary<ServiceSpec> = fc.record(
  {
    service: fc.constantFrom(...SERVICES),
    image: fc.constant("sha256:0123"),
    command: fc.array(word, { minLength: 1, maxLength: 3 }),
    env: fc.dictionary(word, word, { maxKeys: 3 }),
    ports: fc.uniqueArray(fc.record({ internal: port, external: port }), {
      selector: ({ internal }) => internal,
      maxLength: 3,
    }),
    stores: fc.uniqueArray(
      fc.record<Store, "kind" | "source" | "target">(
        {
          kind: fc.constantFrom("volume", "directory"),
          source: word,
          target: word.map((name) => `/${name}`),
          readOnly: fc.boolean(),
        },
        { requiredKeys: ["kind", "source", "target"] },
      ),
      { selector: ({ target }) => target, maxLength: 3 },
    ),
    health: fc.record({
      command: fc.array(word, { minLength: 1, maxLength: 3 }),
      everySeconds: seconds,
      timeoutSeconds: seconds,
      retries: fc.integer({ min: 1, max: 10 }),
      startSeconds: fc.nat(7200),
    }),
    limits,
    graceSeconds: fc.integer({ min: 1, max: 600 }),
    stopSignal: fc.constantFrom("SIGINT", "SIGTERM"),
    writable: fc.dictionary(word, fc.integer({ min: 1, max: 512 }), { maxKeys: 2 }),
    outward: fc.boolean(),
  },
  { requiredKeys: ["service", "image", "health", "limits", "graceSeconds"] },
);

/** The inputs of the container that the target makes of a service. */
async function containerOf(service: ServiceSpec): Promise<Properties> {
  const settings = exampleSettings({ network: { external: { name: "shared" } } });
  const resources = await declared(() => {
    const target = new DockerTarget(settings);
    const parent = new pulumi.ComponentResource("mem0:stack:Any", "any");
    target.run("any", service, { parent, network: new Network("network", { settings, target }) });
  });
  const container = resources.find(({ type }) => type === "docker:index/container:Container");
  return container?.inputs as Properties;
}

test("a service of any allowed settings becomes a container that neither up nor refresh finds changed", async () => {
  await fc.assert(
    fc.asyncProperty(spec, async (service) => {
      const { inputs, failures } = checkInputs(CONTAINER, await containerOf(service), "docker Container");
      expect(failures).toEqual([]);
      const created = containerState(described(createOptions(inputs)), inputs);
      expect(changesOf(CONTAINER, created, inputs)).toEqual([]);
      expect(changesOf(CONTAINER, refreshedState(CONTAINER, created), inputs)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("the bounds of a stack file are within what is tried here", () => {
  const file = (memoryMb: number, cpus: number, startSeconds: number) =>
    stackSchema.safeParse({
      model: { provider: "embedded" },
      resources: { server: { memoryMb, cpus } },
      timeouts: { startSeconds },
    }).success;
  expect([file(128, 0.1, 1), file(262_144, 64, 3600)]).toEqual([true, true]);
  expect([file(127, 1, 60), file(262_145, 1, 60), file(512, 0.09, 60), file(512, 64.1, 60)]).toEqual([
    ...[false, false, false, false],
  ]);
});
