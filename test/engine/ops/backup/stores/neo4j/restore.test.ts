import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { execa } from "execa";
import type { Driver } from "neo4j-driver-lite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Part } from "../../../../../../ops/backup/format/backup-manifest.ts";
import { OWN_SCHEMA, requireOwnLabels } from "../../../../../../ops/backup/stores/neo4j/own-schema.ts";
import {
  type Neo4jImage,
  readGraphIdentity,
  ThrowawayGraph,
} from "../../../../../../ops/backup/stores/neo4j/restore.ts";
import { startGraph } from "../../../../../../ops/backup/stores/neo4j/restore-graph.ts";
import type { GraphParts } from "../../../../../../ops/backup/stores/store.ts";
import { connectDocker } from "../../../../../../ops/docker/client.ts";
import { Throwaway } from "../../../../../../ops/docker/throwaway.ts";
import { Workbench } from "../../../../services/workbench.ts";

const bench = new Workbench();
const docker = connectDocker(process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock");
let image: Neo4jImage;
let throwaway: Throwaway;

beforeAll(async () => {
  image = {
    image: await bench.image("neo4j"),
    user: "10001:10001",
    memoryBytes: 1024 ** 3,
    heap: "256m",
    pageCache: "64m",
  };
  throwaway = await Throwaway.open(docker, { stack: "graphtest", homeId: `test-${process.pid}` }, "restore");
});

afterAll(async () => {
  await throwaway.remove();
  await bench.remove();
});

const newGraph = async (name: string) =>
  new ThrowawayGraph(docker, throwaway, image, await throwaway.volume(name));

const ask = async (driver: Driver, text: string, database = "neo4j") =>
  (await driver.executeQuery(text, {}, { database })).records.map((record) => record.toObject());

const OWN_NAMES = OWN_SCHEMA.map(({ name }) => name).sort();
const schemaOf = async (driver: Driver) => {
  const indexes = await ask(
    driver,
    "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name ORDER BY name",
  );
  return indexes.map(({ name }) => name);
};

/** A graph as lines, whose header asks for whatever is wished. */
function asLines(...statements: string[]): GraphParts {
  const node = {
    type: "node",
    id: "4:x:1",
    labels: ["__Entity__"],
    properties: { name: "bees", user_id: "anna" },
  };
  const all = [
    { type: "header", format: 1, constraints: statements, indexes: statements },
    node,
    { ...node, id: "4:x:2", labels: ["Mem0Identity"], properties: { only_one: true, instance_id: "i-1" } },
    { type: "end", nodes: 2, relationships: 0 },
  ];
  const packed = zstdCompressSync(all.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const part = { file: "neo4j/graph.jsonl.zst", format: "graph-lines-zstd", bytes: packed.length } as Part;
  return { kind: "lines", part: { part, open: () => Readable.from([packed]) } };
}

describe("a graph from elsewhere", () => {
  let store: Buffer;

  it("as lines never has a statement of its header run", async () => {
    const graph = await newGraph("lines");
    try {
      const driver = await startGraph(
        graph,
        asLines(
          "MATCH (n) DETACH DELETE n",
          "CREATE CONSTRAINT planted FOR (n:__Entity__) REQUIRE n.user_id IS UNIQUE",
          "CREATE USER mallory SET PASSWORD 'mallory-mallory'",
        ),
      );
      expect(await ask(driver, "MATCH (n) RETURN count(n) AS nodes")).toEqual([{ nodes: 2 }]);
      expect(await schemaOf(driver)).toEqual(OWN_NAMES);
      expect(await readGraphIdentity(driver)).toMatchObject({ instanceId: "i-1" });

      // The same store with all that its author may have left there, as the guide copied a store.
      await ask(driver, "CREATE USER mallory SET PASSWORD 'mallory-mallory'", "system");
      await ask(driver, "DROP INDEX entity_run");
      await ask(driver, "CREATE CONSTRAINT entity_run FOR (n:__Entity__) REQUIRE n.name IS UNIQUE");
      await ask(driver, "CREATE FULLTEXT INDEX planted FOR (n:__Entity__) ON EACH [n.name]");
      await graph.stop();
      store = await archiveOf(graph.volume);
    } finally {
      await graph.disconnect();
    }
  });

  it("as files brings its memories along, and neither a login nor an index; nor nodes like the server's own", async () => {
    const graph = await newGraph("files");
    try {
      const driver = await startGraph(graph, asFiles(gzipSync(store)));
      expect(await ask(driver, "MATCH (n:__Entity__) RETURN n.name AS name")).toEqual([{ name: "bees" }]);
      expect(await ask(driver, "SHOW USERS YIELD user RETURN user", "system")).toEqual([{ user: "neo4j" }]);
      expect(await schemaOf(driver)).toEqual(OWN_NAMES);
      await requireOwnLabels(driver, "here");
      await ask(driver, "CREATE (:Mem0Identity {only_one: false, instance_id: 'i-2'})");
      await expect(requireOwnLabels(driver, "here")).rejects.toThrow('of the label "Mem0Identity"');
      expect(await readGraphIdentity(driver)).toMatchObject({ instanceId: "i-1" });
      await ask(
        driver,
        "MATCH (n:Mem0Identity {only_one: false}) SET n:__Entity__ REMOVE n:Mem0Identity SET n:Mem0Applied",
      );
      await expect(requireOwnLabels(driver, "here")).rejects.toThrow('of the label "Mem0Applied"');
      await ask(driver, "MATCH (n:__Entity__:Mem0Applied) REMOVE n:Mem0Applied SET n:Mem0Other");
      await expect(requireOwnLabels(driver, "here")).rejects.toMatchObject({
        message: expect.stringContaining('of the label "Mem0Other"'),
        mend: expect.stringContaining("--only postgres"),
      });
    } finally {
      await graph.disconnect();
    }
  });

  it.each([
    ["no store", "mkdir x; tar -cz x", "holds no directories databases/neo4j and transactions/neo4j"],
    ["a link", "$make; ln -s /run/secrets/x databases/neo4j/a; tar -cz .", "a, which is no file but a link"],
    [
      "a hard link",
      "$make; ln databases/neo4j/f databases/neo4j/g; tar -cz .",
      "which is no file but a link",
    ],
    ["a device", "$make; mkfifo databases/neo4j/p; tar -cz .", "p, which is no file but a link or a device"],
    ["a bomb", "$make; head -c 100M /dev/zero > databases/neo4j/z; tar -cz .", "unpacks to more than 8"],
    [
      "thousands of empty files",
      "$make; cd databases/neo4j; seq 6000 | xargs touch; cd ../..; tar -cz .",
      "holds more than 5000 files",
    ],
  ])("as an archive with %s is refused by that", async (_, script, reason) => {
    const made = "mkdir -p databases/neo4j transactions/neo4j; touch databases/neo4j/f transactions/neo4j/f";
    const graph = await newGraph("archive");
    const packed = await outputOf(`cd "$(mktemp -d)"; ${script.replace("$make", made)}`);
    await expect(startGraph(graph, asFiles(packed))).rejects.toThrow(reason);
    await throwaway.remove();
  });
});

/** All files of a store, as the guide packed them. */
async function archiveOf(volume: string): Promise<Buffer> {
  const tar = { image: image.image, user: "10001:10001", readOnlyStores: { "/data": volume } };
  const pack = await throwaway.prepare(
    { ...tar, entrypoint: ["tar"], command: ["-cC", "/data", "neo4j"] },
    "tar",
  );
  const { stream, done } = await pack();
  const [bytes] = await Promise.all([buffer(stream), done]);
  return bytes;
}

/** What a script of bash prints. */
async function outputOf(script: string): Promise<Buffer> {
  return Buffer.from((await execa("bash", ["-euc", script], { encoding: "buffer" })).stdout);
}

function asFiles(packed: Buffer): GraphParts {
  return { kind: "files", file: "neo4j/x.tar.gz", bytes: packed.length, open: () => Readable.from([packed]) };
}
