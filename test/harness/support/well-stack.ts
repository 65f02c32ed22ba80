import type { HealthFacts, HealthSettings } from "../../../ops/health/facts.ts";

const DAY = 24 * 3_600_000;

/** 2026-11-28T12:00:00Z. */
export const NOON = Date.UTC(2026, 10, 28, 12);

/** ISO time so many days before noon. */
export const daysAgo = (days: number) => new Date(NOON - days * DAY).toISOString();

const services = [
  "server",
  "postgres",
  "neo4j",
  "model",
  "gate",
  "metrics_exporter",
  "prometheus",
  "grafana",
];

export const wellSettings: HealthSettings = {
  stack: "test",
  instanceId: "ab",
  containers: Object.fromEntries([...services, "telegram_bot"].map((name) => [name, `mem0_${name}_test`])),
  databaseUser: "mem0_user_test",
  embedded: true,
  diskFreeGb: 10,
  backupRuns: 2,
  drillDays: 35,
  recipients: true,
  backupRoot: "/backups",
};

const container = { value: { state: "healthy", error: undefined, openTo: [] } };
const lastSuccess = { time: daysAgo(0.5), seconds: 9, bytes: 7, memories: 2, id: "20261128_000000" };

/** A stack with all that a stack can have, of which all is well. */
export const wellFacts: HealthFacts = {
  now: NOON,
  docker: { value: "27.0" },
  containers: Object.fromEntries(Object.keys(wellSettings.containers).map((name) => [name, container])),
  disks: [
    { place: "state", path: "/state", free: { value: 99e9 } },
    { place: "backups", path: "/backups", free: { value: 99e9 } },
  ],
  server: { value: { aheadMs: 200 } },
  ready: {
    value: {
      ready: true,
      checks: Object.fromEntries(
        ["postgres", "neo4j", "history", "model", "chat"].map((part) => [part, { ok: true }]),
      ),
      waitingFor: undefined,
      pausedSeconds: 0,
    },
  },
  canary: { at: NOON, answer: { value: { similarity: 0.8, milliseconds: 9 } } },
  postgres: { session: { value: true }, identity: { value: { instanceId: "ab", since: NOON - 90 * DAY } } },
  neo4jHttp: { value: 200 },
  neo4j: { value: { instanceId: "ab" } },
  grafana: { web: { value: true }, dashboard: { value: true } },
  target: { value: { health: "up", error: "" } },
  bot: { value: { ready: true, peers: { telegram: { ok: true } } } },
  backups: {
    version: 1,
    tiers: { daily: { lastRun: { time: daysAgo(0.5), seconds: 9, result: "ok" }, lastSuccess } },
    drill: { time: daysAgo(3), result: "ok", seconds: 60 },
    copy: { time: daysAgo(0.5), result: "ok" },
  },
  jobs: [{ name: "schedule backup", ok: true, found: "ran" }],
  diskEncrypted: undefined,
};
