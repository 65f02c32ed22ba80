import { describe, expect, it } from "vitest";
import type { Counts, Identity } from "../../../../../ops/backup/format/backup-manifest.ts";
import { NO_IDENTITY } from "../../../../../ops/backup/stores/cut.ts";
import { reasonsForDoubt } from "../../../../../ops/backup/take/guard.ts";

const ours: Identity = { instanceId: "i-1", embedder: "text-embedding-3-small", dimensions: 1536 };
const full: Counts = { memories: 1968, users: 4, nodes: 900, relationships: 1200, historyEntries: 2500 };
const last = { identity: ours, counts: full };

function judge(
  counts: Partial<Counts>,
  identity = ours,
  maxDropShare = 0.2,
  before: typeof last | undefined = last,
) {
  const now = { identity, identities: { postgres: identity }, counts: { ...full, ...counts } };
  return reasonsForDoubt(now, ours, before, maxDropShare);
}

describe("a backup", () => {
  it("that holds as much as the last good one, or more, is good", () => {
    expect(judge({})).toEqual([]);
    expect(judge({ memories: 5000, users: 9 })).toEqual([]);
  });

  it("may hold less, down to the share that is allowed and not beyond", () => {
    expect(judge({ memories: 1575 })).toEqual([]);
    expect(judge({ memories: 1574 })).toEqual(["memories fell by 20 % from 1968 to 1574; allowed: 20 %"]);
    expect(judge({ memories: 1574 }, ours, 0.5)).toEqual([]);
  });

  it("is judged by every count", () => {
    expect(judge({ users: 1, nodes: 90, relationships: 12, historyEntries: 1000 })).toEqual([
      "users fell by 75 % from 4 to 1; allowed: 20 %",
      "nodes of the graph fell by 90 % from 900 to 90; allowed: 20 %",
      "relationships of the graph fell by 99 % from 1200 to 12; allowed: 20 %",
      "entries of the history fell by 60 % from 2500 to 1000; allowed: 20 %",
    ]);
  });

  it("that is empty where the last was not is suspect, whatever share is allowed", () => {
    expect(judge({ memories: 0, users: 0 }, ours, 1)).toEqual([
      "no memories: 1968 before",
      "no users: 4 before",
    ]);
  });

  it("may be empty when it is the first, or when the last one was", () => {
    const none: Counts = { memories: 0, users: 0, nodes: 0, relationships: 0, historyEntries: 0 };
    expect(reasonsForDoubt({ identity: ours, identities: {}, counts: none }, ours, undefined, 0.2)).toEqual(
      [],
    );
    expect(judge(none, ours, 0.2, { identity: ours, counts: none })).toEqual([]);
  });

  it("of another instance, embedder or dimensions is suspect", () => {
    const other = { instanceId: "i-2", embedder: "mem0-embedded", dimensions: 384 };
    expect(judge({}, other)).toEqual([
      "postgres holds instance i-2, mem0-embedded, 384 dimensions; the stack was deployed as instance i-1, text-embedding-3-small, 1536 dimensions",
      "this is instance i-2, mem0-embedded, 384 dimensions; the last good backup is of instance i-1, text-embedding-3-small, 1536 dimensions",
    ]);
    expect(judge({}, { ...ours, dimensions: 768 })).toHaveLength(2);
  });

  it("with a store that carries no identity, or another one than the rest, is suspect", () => {
    const now = { identity: ours, identities: { postgres: ours, neo4j: NO_IDENTITY }, counts: full };
    expect(reasonsForDoubt(now, ours, undefined, 0.2)).toEqual([
      "neo4j holds no identity; the stack was deployed as instance i-1, text-embedding-3-small, 1536 dimensions",
    ]);
  });
});

describe("the incident of 17 days", () => {
  it("is caught by the first backup after it, and by each one after that", () => {
    const anew = { instanceId: "i-2", embedder: "mem0-embedded", dimensions: 384 };
    const empty: Counts = { memories: 0, users: 0, nodes: 0, relationships: 0, historyEntries: 0 };
    for (let day = 1; day <= 17; day += 1) {
      const now = {
        identity: anew,
        identities: { postgres: anew, neo4j: anew, history: anew },
        counts: empty,
      };
      // Deployed anew: what the stack says of itself fits the empty stores, and only the last good backup does not.
      const reasons = reasonsForDoubt(now, anew, last, 0.2);
      expect(reasons, `day ${day}`).toContain("no memories: 1968 before");
      expect(reasons[0]).toMatch("the last good backup is of instance i-1");
    }
  });
});
