import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Manifest } from "../../config/manifest.ts";
import type { BackupManifest } from "../../ops/backup/format/backup-manifest.ts";
import { connectDocker } from "../../ops/docker/client.ts";
import { execInContainer } from "../../ops/docker/command.ts";
import { readManifest } from "../../ops/stack/manifest-file.ts";
import { type Clone, cloneWithStack } from "../harness/support/clone.ts";
import { cypher } from "../harness/support/cypher.ts";
import { waitFor } from "../harness/support/eventually.ts";
import { shellBlocks } from "../harness/support/runbook.ts";

const STACK = "e2e";
const PORTS = {
  server: 28300,
  postgres: 28301,
  neo4jHttp: 28302,
  neo4jBolt: 28303,
  exporter: 28304,
  prometheus: 28305,
};
const MEMORIES = [
  "I keep bees on the roof",
  "My sister Anna works in Berlin",
  "I am allergic to peanuts",
  "I play the cello on Thursdays",
  "My car is a blue Volvo",
  "I prefer tea to coffee",
  "I was born in 1984",
  "My dentist is Dr. Weber",
];
const SERVICES = ["postgres", "neo4j", "model", "server"];

describe("a new user", () => {
  let clone: Clone;
  let manifest: Manifest;
  let apiKey: string;
  const docker = () => connectDocker(manifest.dockerHost);
  const inContainer = (service: string, ...command: string[]) =>
    execInContainer(docker(), manifest.services[service]?.container ?? "", command);
  const http = (method: string, path: string, body?: unknown, key = apiKey) =>
    fetch(`http://127.0.0.1:${PORTS.server}${path}`, {
      method,
      headers: { "content-type": "application/json", "x-api-key": key },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ready = async () => (await http("GET", "/ready").catch(() => undefined))?.status === 200;

  beforeAll(async () => {
    clone = await cloneWithStack(STACK, { model: { provider: "embedded" }, ports: PORTS });
    const up = await clone.mem0("up", STACK);
    expect(up, up.stdout + up.stderr).toMatchObject({ exitCode: 0 });
    expect(up.stdout).toContain(`http://127.0.0.1:${PORTS.server}`);
    expect(up.stdout).toContain("./mem0 remember");
    manifest = readManifest(clone.stateHome, STACK);
    apiKey = readFileSync(manifest.secretFiles.api_key ?? "", "utf8");
  });

  afterAll(async () => {
    await clone.mem0("down", STACK, "--delete-data", "--yes-delete", STACK);
    clone.remove();
  });

  it("remembers with one command and recalls with another, by meaning", async () => {
    for (const text of MEMORIES) {
      const remembered = await clone.mem0("remember", text, "--stack", STACK);
      expect(remembered, remembered.stderr).toMatchObject({ exitCode: 0 });
    }
    const recall = async (question: string) => {
      const { stdout } = await clone.mem0("recall", question, "--stack", STACK, "--json");
      return (JSON.parse(stdout) as { results: { memory: string }[] }).results.map(({ memory }) => memory);
    };
    expect((await recall("who has an allergy?"))[0]).toMatch(/peanuts/i);
    expect((await recall("what instrument do I play?"))[0]).toMatch(/cello/i);
    expect((await recall("Wo arbeitet meine Schwester?"))[0]).toMatch(/Berlin/);
    // That bees are animals is more than a small model knows well: among the first three of eight is what it reaches.
    expect((await recall("which animals do I have?")).slice(0, 3).join()).toMatch(/bees/i);
  });

  it("sees what is watched move within 30 s of a new memory, with its past beside it", async () => {
    type Value = { title: string; now: number | null; history: (number | null)[] | null };
    const watched = async (title: string) => {
      const { stdout } = await clone.mem0("metrics", STACK, "--json");
      return (JSON.parse(stdout) as { values: Value[] }).values.find((value) =>
        value.title.startsWith(title),
      );
    };
    const [memories, requests] = [await watched("memories"), await watched("requests")];
    await clone.mem0("remember", "I have a cat called Tom", "--user", "watched", "--stack", STACK);
    const moved = async () => ((await watched("memories"))?.now ?? 0) > (memories?.now ?? 0);
    await waitFor("the number of memories to move", moved, 30);
    expect((await watched("requests"))?.now).toBeGreaterThan(requests?.now ?? Number.NaN);
    expect((await watched("memories"))?.history?.some((value) => value !== null)).toBe(true);
    expect((await clone.mem0("metrics", STACK)).stdout).toMatch(/PostgreSQL up +yes/);
  });

  it("waits with a new memory while writes are paused, and says so", async () => {
    expect((await http("POST", "/admin/maintenance", { seconds: 4 })).status).toBe(200);
    const waited = await clone.mem0("remember", "I own a kayak", "--user", "patient", "--stack", STACK);
    expect(waited, waited.stderr).toMatchObject({ exitCode: 0 });
    expect(waited.stderr).toMatch(/waiting: .*paused for maintenance/);
    expect((await http("DELETE", "/memories?user_id=patient")).status).toBe(200);
  });

  it("keeps the memories of two users apart", async () => {
    await clone.mem0("remember", "I play the harp", "--user", "bob", "--stack", STACK);
    const { stdout } = await clone.mem0("recall", "which instrument?", "--stack", STACK, "--json");
    expect(stdout).not.toMatch(/harp/i);
  });

  it("finds the memory in Postgres, its entities in Neo4j and its history in SQLite", async () => {
    const { database } = manifest;
    const sql = `SELECT payload->>'data' FROM ${database.collection} WHERE payload->>'user_id' = 'me'`;
    const rows = await inContainer(
      "postgres",
      "psql",
      "-XAt",
      "-U",
      database.user,
      "-d",
      database.name,
      "-c",
      sql,
    );
    expect(rows.stdout).toMatch(/bees/i);

    const names = await cypher(manifest, "MATCH (n {user_id: 'me'}) RETURN n.name");
    expect(names.flat().join()).toMatch(/bees/i);

    const script =
      "import sqlite3; print(sqlite3.connect('file:/data/history.db?mode=ro', uri=True)" +
      ".execute('SELECT new_memory FROM history').fetchall())";
    expect((await inContainer("server", "python3", "-c", script)).stdout).toMatch(/bees/i);
  });

  it("adds, gets, lists, searches, updates and deletes over HTTP", async () => {
    const user_id = "http";
    const messages = [{ role: "user", content: "I have a dog called Rex" }];
    const added = await http("POST", "/memories", { messages, user_id });
    expect(added.status).toBe(200);
    const { results } = (await added.json()) as { results: { id: string; memory: string; event: string }[] };
    const [memory] = results;
    expect(memory).toMatchObject({ event: "ADD", memory: expect.stringMatching(/Rex/) });
    const path = `/memories/${memory?.id}`;

    expect(await (await http("GET", path)).json()).toMatchObject({ id: memory?.id });
    expect(await (await http("GET", `/memories?user_id=${user_id}`)).text()).toContain("Rex");
    expect(
      await (await http("POST", "/search", { query: "what is my dog's name?", user_id })).text(),
    ).toContain("Rex");
    expect((await http("PUT", path, { text: "Has a dog called Max" })).status).toBe(200);
    expect(await (await http("GET", path)).text()).toContain("Max");
    expect((await http("DELETE", path)).status).toBe(200);
    expect((await http("GET", path)).status).toBe(404);
  });

  it("is refused with a wrong key or none, but may always ask whether the server lives", async () => {
    expect((await http("GET", "/memories?user_id=me", undefined, "wrong-key")).status).toBe(401);
    expect((await fetch(`http://127.0.0.1:${PORTS.server}/memories?user_id=me`)).status).toBe(401);
    expect((await fetch(`http://127.0.0.1:${PORTS.server}/health`)).status).toBe(200);
  });

  it("sees with one command that all is well", async () => {
    const { exitCode, stdout } = await clone.mem0("status", STACK, "--json");
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout) as {
      healthy: boolean;
      memories: number;
      users: number;
      services: { service: string }[];
    };
    // me, bob and the one whose memory was watched.
    expect(report).toMatchObject({ healthy: true, users: 3 });
    expect(report.memories).toBeGreaterThanOrEqual(4);
    const services = report.services.map(({ service }) => service);
    expect(services.sort()).toEqual([...SERVICES, "gate", "metrics_exporter", "prometheus"].sort());
  });

  it("takes memories out and in again, with their relations, and nothing twice", async () => {
    const file = path.join(clone.directory, "exported.jsonl");
    expect(await clone.mem0("export", file, "--user", "bob", "--stack", STACK)).toMatchObject({
      exitCode: 0,
    });
    expect((await http("DELETE", "/memories?user_id=bob")).status).toBe(200);
    for (const expected of [
      { added: 1, skipped: 0 },
      { added: 0, skipped: 1 },
    ]) {
      const { exitCode, stdout } = await clone.mem0("import", file, "--stack", STACK, "--json");
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ...expected, failed: 0, whole: true });
    }
    const bob = (await (await http("GET", "/memories?user_id=bob")).json()) as {
      results: { memory: string }[];
      relations: unknown[];
    };
    expect(bob.results.map(({ memory }) => memory)).toEqual([expect.stringMatching(/harp/)]);
    expect(bob.relations).toHaveLength(1);

    writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(0, -2).join("\n"));
    const cut = await clone.mem0("import", file, "--stack", STACK);
    expect(cut).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("was cut off") });
  });

  it("goes on with an import that was killed", async () => {
    const total = 2000;
    const header = { type: "header", format: 1, embedder: "mem0-embedded", dimensions: 384 };
    // With embeddings of an earlier export: what is tried here is not the model.
    const line = (n: number) => ({
      type: "memory",
      id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      memory: `note ${n}`,
      user_id: "bulk",
      vector: Array.from({ length: 384 }, (_, i) => (i === n % 384 ? 1 : 0)),
    });
    const file = path.join(clone.directory, "bulk.jsonl");
    const end = { type: "end", memories: total, relations: 0 };
    const lines = [header, ...Array.from({ length: total }, (_, n) => line(n)), end];
    writeFileSync(file, lines.map((value) => JSON.stringify(value)).join("\n"));
    const stored = async () =>
      ((await (await http("GET", "/memories?user_id=bulk&limit=1")).json()) as { total: number }).total;

    const run = execa(path.join(clone.directory, "mem0"), ["import", file, "--stack", STACK], {
      cwd: clone.directory,
      env: { MEM0_HOME: clone.stateHome },
      reject: false,
    });
    await waitFor("a part is stored", async () => (await stored()) > 0);
    run.kill("SIGKILL");
    expect((await run).failed).toBe(true);

    const { stdout } = await clone.mem0("import", file, "--stack", STACK, "--json");
    const again = JSON.parse(stdout) as { added: number; skipped: number };
    expect(again.skipped).toBeGreaterThan(0);
    expect(again.added).toBeGreaterThan(0);
    expect(again.added + again.skipped).toBe(total);
    expect(await stored()).toBe(total);
    expect((await http("DELETE", "/memories?user_id=bulk")).status).toBe(200);
  });

  it("finds no secret in logs", async () => {
    const secrets = Object.values(manifest.secretFiles).map((file) => readFileSync(file, "utf8"));
    for (const service of SERVICES) {
      const container = docker().getContainer(manifest.services[service]?.container ?? "");
      const log = (await container.logs({ stdout: true, stderr: true, follow: false })).toString();
      for (const secret of secrets) expect(log, service).not.toContain(secret);
    }
  });

  it.each(SERVICES)("keeps his memories when %s crashes, and it heals by itself", async (service) => {
    const container = docker().getContainer(manifest.services[service]?.container ?? "");
    const before = (await container.inspect()).RestartCount;
    // The child of PID 1 is the service. `docker kill` would be an order to stop, which Docker obeys for good.
    await inContainer(service, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)");
    await waitFor(`${service} restarted`, async () => (await container.inspect()).RestartCount > before);
    await waitFor("the server is ready again", ready);
    const { stdout } = await clone.mem0("recall", "which animals do I have?", "--stack", STACK, "--json");
    expect(stdout).toMatch(/bees/i);
    expect(
      (
        await http("POST", "/memories", {
          messages: [{ role: "user", content: `I repaired the ${service}` }],
          user_id: "crash",
        })
      ).status,
    ).toBe(200);
  });

  it("restarts one service with one command, and no other", async () => {
    const started = async (service: string) =>
      (
        await docker()
          .getContainer(manifest.services[service]?.container ?? "")
          .inspect()
      ).State.StartedAt;
    const [exporter, server] = [await started("metrics_exporter"), await started("server")];
    const restart = await clone.mem0("restart", "metrics_exporter", "--stack", STACK);
    expect(restart, restart.stderr).toMatchObject({ exitCode: 0 });
    expect(await started("metrics_exporter")).not.toBe(exporter);
    expect(await started("server")).toBe(server);
    expect((await clone.mem0("restart", "nosuch", "--stack", STACK)).stderr).toContain(
      "has no service nosuch",
    );
  });

  it("gets back what was stopped with `docker kill` by the next up, which then changes nothing", async () => {
    await docker()
      .getContainer(manifest.services.postgres?.container ?? "")
      .kill();
    const up = await clone.mem0("up", STACK);
    expect(up, up.stdout + up.stderr).toMatchObject({ exitCode: 0 });
    await waitFor("the server is ready again", ready);
    expect(readManifest(clone.stateHome, STACK)).toEqual(manifest);
  });

  it("is told what is wrong and how to mend it", async () => {
    const unknown = await clone.mem0("up", "nosuch");
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain("there is no stack nosuch");
    const unconfirmed = await clone.mem0("down", STACK, "--delete-data", "--yes-delete", "other");
    expect(unconfirmed.exitCode).toBe(2);
    expect(unconfirmed.stderr).toContain("nothing was deleted");
    const prd = await clone.mem0("down", "prd", "--delete-data", "--yes-delete", "prd");
    expect(prd.exitCode).toBe(1);
    expect(prd.stderr).toContain("without a verified backup");
  });

  it("can follow the runbook, command by command", async () => {
    const runbook = readFileSync(path.join(clone.directory, "docs/runbook.md"), "utf8");
    const stackFile = parse(readFileSync(path.join(clone.directory, "Pulumi.test.yaml"), "utf8"));
    const portsOfTest = stackFile.config["mem0:ports"] as Record<string, number>;
    const blocks = shellBlocks(runbook);
    expect(blocks.length).toBeGreaterThan(5);
    for (const block of blocks) {
      const commands = Object.entries(PORTS).reduce(
        (text, [key, port]) => text.replaceAll(String(portsOfTest[key]), String(port)),
        block.replaceAll(/(?<=[ _=/])test(?=[ /'"]|_|$)/gm, STACK),
      );
      const { exitCode, all } = await execa("bash", ["-euo", "pipefail", "-c", commands], {
        cwd: clone.directory,
        env: { MEM0_HOME: clone.stateHome },
        reject: false,
        all: true,
      });
      expect(exitCode, `${commands}\n${all}`).toBe(0);
    }
  });

  it("keeps the data when the stack goes down", async () => {
    expect(await clone.mem0("down", STACK)).toMatchObject({ exitCode: 0 });
    expect((await clone.mem0("status", STACK)).stdout).toContain("data is kept");
    expect(await clone.mem0("up", STACK)).toMatchObject({ exitCode: 0 });
    expect((await clone.mem0("recall", "which animals do I have?", "--stack", STACK)).stdout).toMatch(
      /bees/i,
    );
  });

  it("is kept from deleting what no verified backup holds, and deletes the rest with it", async () => {
    const wholly = ["--delete-data", "--require-backup", "--yes-delete", STACK];
    const refused = async (why: string) => {
      const down = await clone.mem0("down", STACK, ...wholly);
      expect(down, down.stdout).toMatchObject({ exitCode: 1 });
      expect(down.stderr).toContain(`the data of ${STACK} is not deleted without a verified backup: ${why}`);
      expect(await ready(), "nothing was touched").toBe(true);
    };
    const backUp = async () => {
      const made = await clone.mem0("backup", STACK, "--tier", "hourly", "--json");
      expect(made, made.stderr).toMatchObject({ exitCode: 0 });
      return JSON.parse(made.stdout) as { directory: string; manifest: BackupManifest };
    };
    await waitFor("the server is ready again", ready);
    const { manifest: older } = await backUp();
    await clone.mem0("remember", "I own a kayak", "--user", "late", "--stack", STACK);
    const { memories } = older.counts;
    await refused(`${older.id} holds ${memories} memories, live are `);

    const { directory, manifest: newer } = await backUp();
    const file = path.join(directory, newer.parts[0]?.file ?? "");
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]));
    await refused(`${newer.id}: `);
    writeFileSync(file, bytes);

    const { stores } = manifest;
    const down = await clone.mem0("down", STACK, ...wholly);
    expect(down, down.stderr).toMatchObject({ exitCode: 0 });
    expect(down.stdout).toContain(`stack ${STACK} and all its data are deleted`);
    const left = await docker().listContainers({ all: true, filters: { name: [`_${STACK}$`] } });
    expect(left).toEqual([]);
    for (const volume of Object.values(stores)) {
      await expect(docker().getVolume(volume).inspect()).rejects.toMatchObject({ statusCode: 404 });
    }
    expect(existsSync(path.join(clone.stateHome, "stacks", STACK))).toBe(false);
    await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: directory });
  });
});
