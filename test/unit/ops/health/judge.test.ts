import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HealthFacts } from "../../../../ops/health/facts.ts";
import { judge } from "../../../../ops/health/judge.ts";
import { daysAgo, NOON, wellFacts, wellSettings } from "../../../harness/support/well-stack.ts";

const silent = { reason: "no answer within 2.5 s" };
const READY = "value" in wellFacts.ready ? wellFacts.ready.value : undefined;
if (READY === undefined) throw new Error("a well stack is ready");

/** The well stack with one container in another state. */
function withContainer(service: string, state: string, error?: string): Partial<HealthFacts> {
  return {
    containers: { ...wellFacts.containers, [service]: { value: { state, error, openTo: [] } } },
  };
}

function readyWithout(...parts: string[]): Partial<HealthFacts> {
  const wrong = Object.fromEntries(parts.map((part) => [part, { ok: false, reason: `${part} is away.` }]));
  return { ready: { value: { ...READY, ready: false, checks: { ...READY?.checks, ...wrong } } as never } };
}

/** What is wrong and explained by nothing else, by the type of its alert. */
function roots(changed: Partial<HealthFacts>, settings = {}): string[] {
  return judge({ ...wellFacts, ...changed }, { ...wellSettings, ...settings })
    .filter(({ ok, because }) => !ok && because === undefined)
    .map(({ type }) => type);
}

const run = { time: daysAgo(0.5), seconds: 9 };
const backups = wellFacts.backups;
if (backups === undefined) throw new Error("a well stack has backups");

describe("the health of a stack", () => {
  it("is well when all is, and every check has a name of its own", () => {
    const checks = judge(wellFacts, wellSettings);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
    expect(checks.length).toBeGreaterThan(25);
  });

  it.each<[string, Partial<HealthFacts>, string[]]>([
    [
      "the server is down",
      {
        ...withContainer("server", "exited"),
        server: silent,
        ready: silent,
        canary: { at: NOON, answer: silent },
      },
      ["mem0_server_down"],
    ],
    [
      "the server does not answer",
      { server: silent, ready: silent, canary: { at: NOON, answer: silent } },
      ["mem0_server_endpoint"],
    ],
    [
      "Postgres is down",
      {
        ...withContainer("postgres", "exited"),
        ...readyWithout("postgres"),
        postgres: { session: silent, identity: silent },
        canary: { at: NOON, answer: silent },
      },
      ["postgresql_down"],
    ],
    [
      "Postgres refuses the password",
      { postgres: { session: { reason: "password authentication failed" }, identity: silent } },
      ["postgresql_connection"],
    ],
    [
      "the database cannot be read",
      { postgres: { session: { value: true }, identity: { reason: "no such table" } } },
      ["postgresql_db_access"],
    ],
    [
      "Neo4j is down",
      { ...withContainer("neo4j", "missing"), ...readyWithout("neo4j"), neo4j: silent, neo4jHttp: silent },
      ["neo4j_down"],
    ],
    ["Neo4j's page does not answer", { neo4jHttp: silent, neo4j: silent }, ["neo4j_endpoint"]],
    [
      "the gate is down",
      {
        ...withContainer("gate", "exited"),
        postgres: { session: silent, identity: silent },
        neo4j: silent,
        neo4jHttp: silent,
        target: silent,
        grafana: { web: silent, dashboard: silent },
      },
      ["gate_down"],
    ],
    [
      "the embedded model is down",
      {
        ...withContainer("model", "exited"),
        ...readyWithout("model", "chat"),
        canary: { at: NOON, answer: silent },
      },
      ["model_down"],
    ],
    [
      "the model's key is refused",
      { ...readyWithout("model"), canary: { at: NOON, answer: silent } },
      ["model_refused"],
    ],
    ["a memory is not found", { canary: { at: NOON, answer: { reason: "not found" } } }, ["canary_failed"]],
    [
      "a store holds the data of another stack",
      { neo4j: { value: { instanceId: "cd" } } },
      ["identity_mismatch"],
    ],
    [
      "a store is empty",
      {
        postgres: {
          session: { value: true },
          identity: { value: { instanceId: undefined, since: undefined } },
        },
      },
      ["identity_mismatch"],
    ],
    [
      "Grafana is down",
      { ...withContainer("grafana", "exited"), grafana: { web: silent, dashboard: silent } },
      ["grafana_down"],
    ],
    [
      "the dashboard is gone",
      { grafana: { web: { value: true }, dashboard: { value: false } } },
      ["dashboard_missing"],
    ],
    ["Prometheus does not know the stack", { target: { value: undefined } }, ["metrics_target_missing"]],
    [
      "the exporter is down",
      {
        ...withContainer("metrics_exporter", "exited"),
        target: { value: { health: "down", error: "refused" } },
      },
      ["metrics_exporter_down"],
    ],
    [
      "the bot is not polling",
      { bot: { value: { ready: false, peers: { telegram: { ok: false, detail: "409" } } } } },
      ["bot_not_polling"],
    ],
    [
      "a disk is full",
      { disks: [{ place: "backups", path: "/b", free: { value: 1e9 } }] },
      ["disk_space_low"],
    ],
    ["the clocks differ", { server: { value: { aheadMs: -90_000 } } }, ["clock_wrong"]],
    [
      "a port is open to the network",
      {
        containers: {
          ...wellFacts.containers,
          postgres: { value: { state: "healthy", error: undefined, openTo: ["all addresses:5433"] } },
        },
      },
      ["port_open"],
    ],
    [
      "the last backup failed",
      {
        backups: {
          ...backups,
          tiers: {
            daily: { ...backups.tiers.daily, lastRun: { ...run, result: "failed", reason: "disk full" } },
          },
        } as never,
      },
      ["backup_failed"],
    ],
    [
      "the last good backup is old",
      {
        now: NOON + 3 * 86_400_000,
        canary: { at: NOON + 3 * 86_400_000, answer: { value: { similarity: 1, milliseconds: 1 } } },
      },
      ["backup_overdue"],
    ],
    [
      "no backup was ever made of data that is old",
      { backups: { version: 1, tiers: {} } },
      ["backup_overdue"],
    ],
    [
      "the drill failed",
      { backups: { ...backups, drill: { time: daysAgo(1), result: "failed", seconds: 1 } } },
      ["drill_failed"],
    ],
    [
      "a job's unit is not loaded",
      { jobs: [{ name: "schedule hourly", ok: false, found: "is not loaded", mend: "./mem0 up test" }] },
      ["schedule_hourly"],
    ],
    [
      "the drill is old",
      { backups: { ...backups, drill: { time: daysAgo(36), result: "ok", seconds: 1 } } },
      ["drill_overdue"],
    ],
    [
      "the copy elsewhere failed",
      { backups: { ...backups, copy: { time: daysAgo(1), result: "failed" } } },
      ["backup_copy_failed"],
    ],
  ])("has one finding when %s", (_, changed, types) => {
    expect(roots(changed)).toEqual(types);
    const wrong = judge({ ...wellFacts, ...changed }, wellSettings).filter(({ ok }) => !ok);
    expect(wrong.filter(({ mend }) => mend === undefined)).toEqual([]);
  });

  it("has one finding when Docker is down, whoever does not answer then", () => {
    const gone = { reason: "connect ENOENT /var/run/docker.sock" };
    const containers = Object.fromEntries(Object.keys(wellFacts.containers).map((name) => [name, gone]));
    const all: Partial<HealthFacts> = {
      docker: gone,
      containers,
      server: silent,
      ready: silent,
      canary: { at: NOON, answer: silent },
      postgres: { session: silent, identity: silent },
      neo4j: silent,
      neo4jHttp: silent,
      target: silent,
      bot: gone,
      grafana: { web: silent, dashboard: silent },
    };
    expect(roots(all)).toEqual(["docker_down"]);
  });

  it("never explains a finding by one that is well or explained itself, whatever is wrong", () => {
    const services = Object.keys(wellFacts.containers);
    fc.assert(
      fc.property(fc.subarray(services), fc.boolean(), fc.boolean(), (down, docker, stores) => {
        const containers = Object.fromEntries(
          services.map((name) => [
            name,
            down.includes(name)
              ? { value: { state: "exited", error: undefined, openTo: [] } }
              : { value: { state: "healthy", error: undefined, openTo: [] } },
          ]),
        );
        const changed: Partial<HealthFacts> = {
          containers,
          ...(docker ? { docker: silent } : {}),
          ...(stores
            ? { neo4j: silent, neo4jHttp: silent, postgres: { session: silent, identity: silent } }
            : {}),
        };
        const checks = judge({ ...wellFacts, ...changed }, wellSettings);
        const names = new Map(checks.map((check) => [check.name, check]));
        for (const { because } of checks) {
          if (because === undefined) continue;
          expect(names.get(because)).toMatchObject({ ok: false });
          expect(names.get(because)?.because).toBeUndefined();
        }
      }),
    );
  });

  it("names a port that is taken, the key of a model, and a password with what mends each", () => {
    const mendOf = (changed: Partial<HealthFacts>, settings = {}) =>
      judge({ ...wellFacts, ...changed }, { ...wellSettings, ...settings }).find(({ ok }) => !ok)?.mend;
    const taken =
      "driver failed programming external connectivity: Bind for 127.0.0.1:8888 failed: port is already allocated";
    expect(mendOf(withContainer("server", "created", taken))).toContain("lsof");
    const refused = { model: { ok: false, reason: "The model answered with HTTP status 401." } };
    const ready = { value: { ...READY, checks: { ...READY.checks, ...refused } } } as HealthFacts["ready"];
    expect(mendOf({ ready }, { embedded: false })).toContain("--secret mem0:openaiApiKey");
    const session = { reason: 'password authentication failed for user "mem0_user_test"' };
    expect(mendOf({ postgres: { session, identity: session } })).toContain("secrets/postgres_password");
  });

  it("does not write while writes are paused, and tells of a disk that is not encrypted without failing", () => {
    const paused = { value: { ...READY, pausedSeconds: 12.2 } };
    const checks = judge(
      { ...wellFacts, ready: paused, canary: { at: NOON, answer: silent }, diskEncrypted: false },
      { ...wellSettings, recipients: false },
    );
    expect(checks.every(({ ok }) => ok)).toBe(true);
    expect(checks.find(({ type }) => type === "canary_failed")?.found).toBe(
      "not asked: writes are paused for 13 s",
    );
    expect(checks.find(({ type }) => type === "backup_unencrypted")).toMatchObject({
      found: "neither backups nor their disk are",
      mend: expect.stringContaining("mem0:backup.recipients"),
    });
  });
});
