import { describe, expect, it } from "vitest";
import { contentOf } from "../../../../../ops/backup/take/content.ts";
import type { Dumped } from "../../../../../ops/backup/take/dump-stores.ts";
import { DeployedStack } from "../../../../../ops/stack/deployed-stack.ts";
import { exampleManifest } from "../../../../harness/support/example-manifest.ts";

const identity = { instanceId: "ab", embedder: "mem0-embedded", dimensions: 384 };
const counts = { memories: 100, users: 3, nodes: 50, relationships: 60, historyEntries: 120 };

const backup = {
  root: "/backups",
  keep: { hourly: 24, daily: 7, weekly: 4, monthly: 12 },
  format: "custom" as const,
  maxDropShare: 0.2,
  recipients: [] as string[],
  hourlyFiles: false,
};

const time = (second: number) => new Date(Date.UTC(2026, 10, 24, 2, 30, second));

/** What the manifest of an hourly backup says in which this was found. */
function contentWith(found: Partial<Dumped["found"]>, recipients: string[] = []) {
  const stack = new DeployedStack(exampleManifest({ backup: { ...backup, recipients } }), "/state");
  return contentOf(stack, {
    options: { tier: "hourly", now: () => time(9), toolVersion: "0.1.0", report: () => {} },
    beginning: { id: "20261124_023000", startedAt: time(0) },
    dumped: {
      found: { counts, identities: { postgres: identity }, versions: {}, neo4jStoppedSeconds: 0, ...found },
      cutAt: time(3),
      pausedSeconds: 0.4,
    },
    last: undefined,
  });
}

describe("the manifest of a backup", () => {
  it("tells the moment of the data between the times at which it was begun and ended", () => {
    expect(contentWith({})).toMatchObject({
      id: "20261124_023000",
      stack: "test",
      result: "good",
      reasons: [],
      startedAt: "2026-11-24T02:30:00.000Z",
      cutAt: "2026-11-24T02:30:03.000Z",
      finishedAt: "2026-11-24T02:30:09.000Z",
      identity,
      counts,
      writesHeldSeconds: 0.4,
    });
  });

  it("calls it suspect, and says why, when a store is not the deployed stack's", () => {
    const neo4j = { ...identity, instanceId: "another" };
    const { result, reasons } = contentWith({ identities: { postgres: identity, neo4j } });
    expect(result).toBe("suspect");
    expect(reasons.join()).toMatch(
      /^neo4j holds instance another, .*; the stack was deployed as instance ab/,
    );
  });

  it("tells for whom it is encrypted, and the processor only where Postgres' files are in it", () => {
    expect(contentWith({})).toMatchObject({ encryption: null });
    expect(contentWith({})).not.toHaveProperty("architecture");
    const whole = contentWith({ architecture: "arm64" }, ["age1x"]);
    expect(whole).toMatchObject({ encryption: { recipients: ["age1x"] }, architecture: "arm64" });
  });
});
