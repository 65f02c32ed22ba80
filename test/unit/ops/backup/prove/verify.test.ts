import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Part } from "../../../../../ops/backup/format/backup-manifest.ts";
import { compareChecksums } from "../../../../../ops/backup/format/checksums.ts";
import type { OpenPart } from "../../../../../ops/backup/format/part.ts";
import { isWhole, readBackup, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import { chooseForVerification } from "../../../../../ops/backup/keep/keeping.ts";
import { readText } from "../../../../../ops/backup/prove/verify.ts";
import { bindHistory, readHistory } from "../../../../../ops/backup/stores/history/restore.ts";
import { readGraphLines } from "../../../../../ops/backup/stores/neo4j/restore-lines.ts";
import { writeExampleBackup } from "../../../../harness/support/backup-directory.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const ID = "20261124_023000";
const place = (directory: string) => ({ id: ID, tier: "daily" as const, directory, suspect: false });
const files = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

describe("verifying", () => {
  it("finds one flipped bit in each file, wherever in it", async () => {
    const directory = writeExampleBackup(root.path, "daily", ID);
    const found = readBackup(place(directory), []);
    if (!isWhole(found)) throw new Error(found.reason);
    expect(await compareChecksums(found)).toMatch(/^2 files/);
    const all = files(directory);
    expect(all).toHaveLength(4);
    for (const file of all) {
      const bytes = readFileSync(file);
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        for (const bit of [0, 3, 7]) {
          const flipped = Buffer.from(bytes);
          flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << bit), at);
          writeFileSync(file, flipped);
          const seen = readBackup(place(directory), []);
          const reason = isWhole(seen)
            ? await compareChecksums(seen).catch((e: Error) => e.message)
            : seen.reason;
          expect(reason, `${file} byte ${at} bit ${bit}`).not.toMatch(/^2 files/);
        }
      }
      writeFileSync(file, bytes);
    }
    expect(await compareChecksums(found)).toMatch(/^2 files/);
  });

  it.each([
    ["sql-gzip", gzipSync(Buffer.alloc(20 * 1024 ** 2))],
    ["json", Buffer.alloc(17 * 1024 ** 2, " ")],
  ] as const)(
    "takes no more than a text's worth into memory of a part for people, in %s",
    async (format, packed) => {
      const part: Part = {
        source: "postgres",
        name: "globals",
        file: "postgres/globals.sql.gz",
        format,
        bytes: packed.length,
        seconds: 0,
      };
      const reading = readText({ part, open: () => Readable.from([packed]) });
      await expect(reading).rejects.toThrow(/16(\.0)? MiB/);
    },
  );

  it("chooses the newest good one, the named one, all, or a share that moves on day by day", () => {
    const ids = ["20261121_023000", "20261122_023000", "20261123_023000", ID];
    for (const id of ids) writeExampleBackup(root.path, "daily", id);
    const catalogue = readCatalogue(root.path, []);
    const chosen = (options: Omit<Parameters<typeof chooseForVerification>[1], "stack">, day = 0) =>
      chooseForVerification(catalogue, { stack: "prd", ...options }, new Date(day * 86_400_000)).backups.map(
        ({ id }) => id,
      );
    expect(chosen({})).toEqual([ID]);
    expect(chosen({ ts: ids[1] })).toEqual([ids[1]]);
    expect(chosen({ all: true })).toEqual(ids);
    const seen = [0, 1].flatMap((day) => chosen({ sample: 50 }, day));
    expect(seen.sort(), "two days of 50 % see all").toEqual(ids);
    expect(() => chosen({ all: true, sample: 5 })).toThrow("exclude each other");
    expect(() => chosen({ ts: "20200101_000000" })).toThrow(
      expect.objectContaining({
        message: "there is no backup 20200101_000000",
        mend: "./mem0 backups prd lists what there is",
      }),
    );
  });
});

describe("a graph as lines", () => {
  const header = { type: "header", format: 1, constraints: [], indexes: [] };
  const node = (id: number, labels = ["__Entity__"]) => ({
    type: "node",
    id: `4:x:${id}`,
    labels,
    properties: { instance_id: "i-1", embedder: "e", dimensions: { $int: "384" } },
  });
  const relation = (start: number, end: number) => ({
    type: "relationship",
    start: `4:x:${start}`,
    end: `4:x:${end}`,
    kind: "KNOWS",
    properties: {},
  });
  const end = (nodes: number, relationships: number) => ({ type: "end", nodes, relationships });
  const part = (...list: object[]): OpenPart => ({
    part: { file: "neo4j/graph.jsonl.zst", format: "graph-lines-zstd" } as Part,
    open: () => Readable.from([zstdCompressSync(list.map((one) => `${JSON.stringify(one)}\n`).join(""))]),
  });

  it("is read with its counts and its identity; the server's bookkeeping is not counted", async () => {
    const lines = part(header, node(1), node(2), node(3, ["Mem0Identity"]), relation(1, 2), end(3, 1));
    expect(await readGraphLines(lines)).toEqual({
      nodes: 2,
      relationships: 1,
      identity: { instanceId: "i-1", embedder: "e", dimensions: 384 },
    });
  });

  it.each([
    ["without its end", [header, node(1)], "cut off"],
    ["with fewer lines than its end promises", [header, node(1), end(2, 0)], "promises 2 nodes"],
    [
      "with a relationship to a node that is not there",
      [header, node(1), relation(1, 9), end(1, 1)],
      "joins a node",
    ],
    ["with lines after its end", [header, end(0, 0), node(1)], "after its end"],
    ["without its header", [node(1), end(1, 0)], "not where it belongs"],
    [
      "with a node of a label of the server's own",
      [header, node(1, ["__Entity__", "Mem0Identity"])],
      '"Mem0Identity"',
    ],
    ["with a label that the server may come to use", [header, node(1, ["Mem0Other"])], '"Mem0Other"'],
    [
      "with a second identity",
      [header, node(1, ["Mem0Identity"]), node(2, ["Mem0Identity"])],
      "second identity",
    ],
    ["with a node twice", [header, node(1), node(1)], "line 3 of the graph is a node that was there before"],
    ["with a list for a label", [header, { ...node(1), labels: [["A"]] }], "labels.0: "],
    ["with a text for labels", [header, { ...node(1), labels: "A" }], "labels: "],
    ["with an id that is none", [header, { ...node(1), id: "4:x:9e99" }], "id: "],
    ["with a list for a relationship's kind", [header, { ...relation(1, 1), kind: ["K"] }], "kind: "],
    ["with properties that are none", [header, { ...node(1), properties: [1] }], "properties: "],
    ["with counts that are none", [header, { ...end(0, 0), nodes: null }], "nodes: "],
    ["with a kind of line that there is not", [header, { type: "call" }], "no line of a graph"],
    ["with a line that never ends", [header, { ...node(1), labels: ["x".repeat(17 * 1024 ** 2)] }], "16 MiB"],
  ] as const)("%s is refused", async (_what, list, reason) => {
    await expect(readGraphLines(part(...list))).rejects.toThrow(reason);
  });
});

describe("a history file", () => {
  const make = (): string => {
    const file = path.join(root.path, "history.db");
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE history (id TEXT); INSERT INTO history VALUES ('a'), ('b')");
    db.close();
    return file;
  };

  it("of upstream's server has no identity, until it is bound to a stack", () => {
    const file = make();
    expect(readHistory(file)).toEqual({ entries: 2, identity: undefined, damage: [] });
    const identity = { instanceId: "i-1", embedder: "e", dimensions: 384 };
    bindHistory(file, identity, new Date(0));
    expect(readHistory(file)).toEqual({ entries: 2, identity, damage: [] });
  });

  it("that is damaged, or is none, is told apart from an empty one", () => {
    const file = make();
    writeFileSync(file, readFileSync(file).fill(0xff, 2048, 6000));
    expect(readHistory(file).damage).not.toEqual([]);
    writeFileSync(file, "not a database, but long enough to be read as one ".repeat(40));
    expect(readHistory(file).damage).not.toEqual([]);
  });
});
