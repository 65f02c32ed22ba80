import { beforeAll, expect, test } from "vitest";
import { readProgramRecord } from "../../engine/toolchain/plugins/contract.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import type { Registered } from "../../harness/support/mock-engine.ts";
import { BEYOND_THE_RECORD } from "./beyond-the-record.ts";
import { stackOf } from "./declared-stack.ts";

/**
 * Keeps the program and the record of it under the official plugins in step: what the program declares was seen to
 * converge there, or stands in the list of what was not tried.
 */

/** Texts that the plugins keep as they are given, by type. All else has to be in the record, but for its digits. */
const FREE_TEXTS: Readonly<Record<string, readonly string[]>> = {
  "docker:index/container:Container": [
    ...["name", "hostname", "image", "command[]", "envs[]", "labels[].label", "labels[].value"],
    ...["mounts[].source", "mounts[].target", "networksAdvanced[].name", "networksAdvanced[].aliases[]"],
    "healthcheck.tests[]",
  ],
  "docker:index/network:Network": ["name", "labels[].label", "labels[].value"],
  "docker:index/volume:Volume": ["name"],
  "docker:index/remoteImage:RemoteImage": [
    ...["name", "build.context", "build.buildArgs.BASE_IMAGE", "triggers.content"],
  ],
  "command:local:Command": [
    ...["create", "update", "delete", "stdin", "triggers[]"],
    ...[
      "CONTAINER",
      "DIRECTORY",
      "DOCKER_HOST",
      "FILE",
      "MODE",
      "MOUNTED",
      "NAME",
      "OWNER",
      "RULES",
      "RUNNING",
      "SCRAPE",
    ].map((variable) => `environment.${variable}`),
  ],
};

const PROGRAMS = {
  test: exampleSettings(),
  "with much of everything": exampleSettings(
    {
      data: { root: "~/mem0-data" },
      network: { external: { name: "intel-network", create: true } },
      server: { keys: { bot: "write" }, limits: { bodyKb: 64 } },
      observability: { prometheus: { mode: "external" } },
      resources: { server: { cpus: 10 }, postgres: { cpus: 0.25 }, neo4j: { cpus: 1.5 } },
      timeouts: { startSeconds: 90 },
    },
    "prd",
  ),
  "with a bot": exampleSettings({
    telegram: { users: { 4001: "anna" } },
    telegramToken: "730000001:AAtests-of-mem0_and_of_nothing_else",
  }),
  "with an exporter on the host": exampleSettings({ observability: { exporter: "host" } }),
};

let programs: Record<keyof typeof PROGRAMS, Registered[]>;
let record: Awaited<ReturnType<typeof readProgramRecord>>;

beforeAll(async () => {
  record = await readProgramRecord();
  const declared: [string, Registered[]][] = [];
  for (const [name, settings] of Object.entries(PROGRAMS)) {
    const resources = await stackOf(settings, {
      alertWebhookUrl: "http://alerts.example/hook",
      ...(settings.telegram === undefined ? {} : { telegramToken: "730000001:AAtests" }),
    });
    declared.push([name, resources.filter(({ type }) => /^(docker|command|random|grafana):/.test(type))]);
  }
  programs = Object.fromEntries(declared) as typeof programs;
});

test("every input that the program declares is in the record, or in the list of what is known from elsewhere", () => {
  const recorded = new Set(Object.values(record).flat().flatMap(formsOf));
  const unknown = [...declaredForms()].filter(
    (form) => !recorded.has(form) && !BEYOND_THE_RECORD.some(({ input }) => form.startsWith(input)),
  );
  expect(unknown).toEqual([]);
});

test("the list of what is known from elsewhere holds nothing that the program does not declare", () => {
  const forms = [...declaredForms()];
  const stale = BEYOND_THE_RECORD.filter(({ input }) => !forms.some((form) => form.startsWith(input)));
  expect(stale).toEqual([]);
});

test("every recorded resource is declared under its name still, so that no up takes it for another", () => {
  const names = new Set(programs.test.map(({ type, name }) => `${type} ${name}`));
  const gone = record.test.map(({ type, name }) => `${type} ${name}`).filter((name) => !names.has(name));
  expect(gone).toEqual([]);
});

test("what holds data or opens it keeps its place among the resources, which is a part of its URN", async () => {
  const all = await stackOf(PROGRAMS.test);
  const typesOf = new Map(all.map(({ urn, type }) => [urn, type]));
  const places = all
    .filter(({ type }) => /^(docker|random):.*(Volume|Network|RandomPassword|RandomId)$/.test(type))
    .map(({ name, parent }) => {
      const grandparent = all.find(({ urn }) => urn === parent)?.parent ?? "";
      return [typesOf.get(grandparent), typesOf.get(parent), name].filter(Boolean).join(" > ");
    });
  const stores = { Postgres: "postgres", Neo4j: "neo4j", MemoryServer: "server" };
  const secrets = [
    "api-key",
    "grafana-admin-password",
    "grafana-secret-key",
    "instance-id",
    "metrics-password",
    "seal-key",
  ];
  expect(places.sort()).toEqual(
    [
      ...Object.entries({ ...stores, Prometheus: "prometheus", Grafana: "grafana" }).map(
        ([component, name]) => `mem0:stack:${component} > mem0:host:StoreMount > ${name}-data-volume`,
      ),
      "mem0:stack:Network > network-internal",
      "mem0:stack:Network > network-published",
      ...[...secrets, "neo4j-password", "postgres-password"].map((s) => `mem0:stack:Secrets > secrets-${s}`),
    ].sort(),
  );
});

function declaredForms(): Set<string> {
  return new Set(Object.values(programs).flat().flatMap(formsOf));
}

/** Paths of all inputs with their values: digits as `#`, and free texts left out. */
function formsOf({ type, inputs }: { type: string; inputs: object }): string[] {
  const free = FREE_TEXTS[type] ?? [];
  const forms = (value: unknown, at: string): string[] => {
    if (value === null || value === undefined || free.includes(at)) return [];
    if (Array.isArray(value)) return value.flatMap((element) => forms(element, `${at}[]`));
    if (typeof value === "object") {
      return Object.entries(value).flatMap(([key, element]) =>
        forms(element, at === "" ? key : `${at}.${key}`),
      );
    }
    return [`${type}.${at}=${String(value).replaceAll(/\d+/g, "#")}`];
  };
  return forms(inputs, "");
}
