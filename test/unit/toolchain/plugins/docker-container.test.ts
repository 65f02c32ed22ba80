import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createOptions,
  networkEndpoints,
  updateOptions,
} from "../../../../toolchain/plugins/docker/container-request.ts";
import { CONTAINER } from "../../../../toolchain/plugins/docker/container-schema.ts";
import { type ContainerFacts, containerState } from "../../../../toolchain/plugins/docker/container-state.ts";
import type { Properties } from "../../../../toolchain/plugins/protocol/value.ts";
import { checkInputs } from "../../../../toolchain/plugins/schema/check.ts";
import { changesOf } from "../../../../toolchain/plugins/schema/compare.ts";
import { refreshedState } from "../../../../toolchain/plugins/schema/state.ts";
import { described } from "./described.ts";

function checked(given: Properties): Properties {
  const { inputs, failures } = checkInputs(
    CONTAINER,
    { name: "c", image: "i", ...given },
    "docker Container",
  );
  expect(failures).toEqual([]);
  return inputs;
}

const word = fc.stringMatching(/^[a-z]{1,6}$/);
const texts = fc.uniqueArray(word, { minLength: 1, maxLength: 3 });
const anyInputs = fc.record(
  {
    command: texts,
    entrypoints: texts,
    envs: fc.uniqueArray(
      fc.tuple(word, word).map((pair) => pair.join("=")),
      { maxLength: 3 },
    ),
    user: fc.constantFrom("1000", "1000:1000"),
    workingDir: fc.constant("/work"),
    hostname: word,
    tty: fc.boolean(),
    stdinOpen: fc.boolean(),
    readOnly: fc.boolean(),
    privileged: fc.boolean(),
    init: fc.boolean(),
    ports: fc.uniqueArray(
      fc.record({
        internal: fc.integer({ min: 1, max: 65535 }),
        external: fc.integer({ min: 1, max: 65535 }),
      }),
      { selector: ({ internal }) => internal, maxLength: 3 },
    ),
    hosts: fc.uniqueArray(fc.record({ host: word, ip: fc.constantFrom("10.0.0.1", "::1", "host-gateway") })),
    dns: texts,
    groupAdds: texts,
    mounts: fc.uniqueArray(
      fc.record(
        { type: fc.constantFrom("bind", "volume"), source: word, target: word, readOnly: fc.boolean() },
        { requiredKeys: ["type", "source", "target"] },
      ),
      { maxLength: 3 },
    ),
    tmpfs: fc.dictionary(fc.constantFrom("/tmp", "/run"), fc.constant("size=16m")),
    capabilities: fc.record(
      { adds: fc.constant(["CAP_CHOWN"]), drops: fc.constant(["ALL"]) },
      { requiredKeys: [] },
    ),
    securityOpts: texts,
    memory: fc.integer({ min: 6, max: 4096 }),
    memorySwap: fc.integer({ min: -1, max: 8192 }),
    memoryReservation: fc.integer({ min: 0, max: 4096 }),
    shmSize: fc.integer({ min: 1, max: 1024 }),
    cpus: fc.constantFrom("0.5", "2.0", "10.", "1.25"),
    cpuShares: fc.nat(1024),
    cpuSet: fc.constantFrom("0", "0-1"),
    ulimits: fc.uniqueArray(fc.record({ name: word, soft: fc.nat(9), hard: fc.nat(9) })),
    restart: fc.constantFrom("no", "on-failure", "always", "unless-stopped"),
    maxRetryCount: fc.nat(5),
    stopSignal: fc.constantFrom("SIGINT", "SIGTERM"),
    stopTimeout: fc.nat(120),
    healthcheck: fc.record(
      {
        tests: fc.constant(["CMD", "true"]),
        interval: fc.constantFrom("10s", "1m0s", "1m30s", "500ms"),
        timeout: fc.constantFrom("1s", "2.5s"),
        startPeriod: fc.constantFrom("0s", "1h0m0s"),
        retries: fc.nat(9),
      },
      { requiredKeys: ["tests"] },
    ),
    logDriver: fc.constantFrom("json-file", "local"),
    logOpts: fc.dictionary(fc.constantFrom("max-size", "max-file"), word),
  },
  { requiredKeys: [] },
);

test("a container that Docker made as asked needs no change", () => {
  fc.assert(
    fc.property(anyInputs, (given) => {
      const inputs = checked(given as Properties);
      const state = containerState(described(createOptions(inputs)), inputs);
      expect(changesOf(CONTAINER, state, inputs)).toEqual([]);
    }),
  );
});

/** What the official plugin does not read, but takes over from the program. */
const NOT_READ = [
  ...["attach", "containerReadRefreshTimeoutMilliseconds", "destroyGraceSeconds", "envs", "labels", "logs"],
  ...["mustRun", "networksAdvanced", "removeVolumes", "start", "volumes", "wait", "waitTimeout"],
];

test("a container's state tells what Docker does, whatever the program says", () => {
  fc.assert(
    fc.property(anyInputs, anyInputs, (given, other) => {
      const facts = described(createOptions(checked(given as Properties)));
      const read = [given, other].map((known) => {
        const state = containerState(facts, checked(known as Properties));
        return Object.fromEntries(Object.entries(state).filter(([name]) => !NOT_READ.includes(name)));
      });
      expect(read[1]).toEqual(read[0]);
    }),
  );
});

test.each([
  [0.1, "0.1"],
  [0.25, "0.25"],
  [0.5, "0.5"],
  [1, "1.0"],
  [1.05, "1.05"],
  [1.5, "1.5"],
  [2, "2.0"],
  [16, "16.0"],
  [10, "10."],
  [20.05, "20.1"],
])("a limit of %d CPUs is read back as the official plugin spells it: %s", (cpus, spelling) => {
  const inputs = checked({ cpus: String(cpus) });
  expect(containerState(described(createOptions(inputs)), inputs).cpus).toBe(spelling);
});

test("a refresh shows the zero of its kind where nobody gave anything, as with the official plugin", () => {
  const inputs = checked({ mounts: [{ type: "volume", source: "v", target: "/v" }], stopTimeout: 5 });
  const created = containerState(described(createOptions(inputs)), inputs);
  const missing = { dns: null, sysctls: null, cgroupParent: null, stopTimeout: 5 };
  expect(created).toMatchObject({ ...missing, mounts: [{ readOnly: null, bindOptions: null }] });
  expect(refreshedState(CONTAINER, created)).toMatchObject({
    ...{ dns: [], sysctls: {}, cgroupParent: null, stopTimeout: 5 },
    mounts: [{ readOnly: false, bindOptions: null }],
  });
});

test("a container's state comes out the same when it is read again", () => {
  fc.assert(
    fc.property(anyInputs, (given) => {
      const inputs = checked(given as Properties);
      const facts = described(createOptions(inputs));
      const state = containerState(facts, inputs);
      expect(containerState(facts, state)).toEqual(state);
    }),
  );
});

describe("drift", () => {
  const inputs = checked({
    envs: ["A=1"],
    memory: 64,
    ports: [{ internal: 80, external: 8080, ip: "127.0.0.1" }],
  });
  const facts = described(createOptions(inputs));
  const drift = (changed: Partial<Record<keyof ContainerFacts, object>>) => {
    const merged = { ...facts } as unknown as Record<string, object>;
    for (const [key, part] of Object.entries(changed)) merged[key] = { ...merged[key], ...part };
    const state = containerState(merged as unknown as ContainerFacts, containerState(facts, inputs));
    return changesOf(CONTAINER, state, inputs).map(({ property }) => property);
  };

  test("in limits is seen", () => {
    expect(drift({ HostConfig: { Memory: 128 * 1024 * 1024 } })).toEqual(["memory"]);
  });

  test("in environment and labels is not seen, as with the official plugin", () => {
    expect(drift({ Config: { Env: ["A=2"], Labels: { new: "1" } } })).toEqual([]);
  });

  test("by a stop shows lost ports and a container that has to run", () => {
    const stopped = { State: { Running: false, Status: "exited" }, NetworkSettings: { Ports: {} } };
    expect(drift(stopped)).toEqual(["ports", "mustRun"]);
  });
});

test("memory without memorySwap is a lasting difference, as Docker sets one itself", () => {
  const inputs = checked({ memory: 64 });
  const facts = described(createOptions(inputs));
  facts.HostConfig.MemorySwap = 128 * 1024 * 1024;
  expect(changesOf(CONTAINER, containerState(facts, inputs), inputs)).toEqual([
    { property: "memorySwap", kind: "delete", replace: false },
  ]);
});

test("a duration in another spelling than Docker's is a difference, as with the official plugin", () => {
  const inputs = checked({ healthcheck: { tests: ["CMD", "true"], interval: "60s" } });
  const state = containerState(described(createOptions(inputs)), inputs);
  expect(changesOf(CONTAINER, state, inputs)).toMatchObject([{ property: "healthcheck" }]);
});

test("an empty entrypoint list leaves the image's own", () => {
  expect(createOptions(checked({ entrypoints: [] }))).not.toHaveProperty("Entrypoint");
});

test("docker update is asked only for what it can change, and then for all of it", () => {
  const inputs = checked({ memory: 64, memorySwap: -1, restart: "always" });
  expect(updateOptions(new Set(["init", "waitTimeout"]), inputs)).toBeUndefined();
  expect(updateOptions(new Set(["memory"]), inputs)).toEqual({
    RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
    Memory: 64 * 1024 * 1024,
    MemorySwap: -1,
    MemoryReservation: 0,
    CpuShares: 0,
    CpusetCpus: "",
  });
});

test("networks are joined in the order given, with aliases and fixed addresses", () => {
  const networksAdvanced = [{ name: "b", aliases: ["x"], ipv4Address: "10.0.0.2" }, { name: "a" }];
  expect(networkEndpoints(checked({ networksAdvanced }))).toEqual([
    { network: "b", settings: { Aliases: ["x"], IPAMConfig: { IPv4Address: "10.0.0.2" } } },
    { network: "a", settings: { Aliases: [], IPAMConfig: {} } },
  ]);
});
