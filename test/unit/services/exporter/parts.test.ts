import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Malformed } from "../../../../services/exporter/src/exposition.ts";
import { describe as inWords, reasonOf, UnusableSecret } from "../../../../services/exporter/src/failure.ts";
import { Page } from "../../../../services/exporter/src/page.ts";
import { backupsPart } from "../../../../services/exporter/src/parts/backups.ts";
import { botPart } from "../../../../services/exporter/src/parts/bot.ts";
import { readSecret } from "../../../../services/exporter/src/secret.ts";
import { settingsFrom } from "../../../../services/exporter/src/settings.ts";

const directory = mkdtempSync(path.join(os.tmpdir(), "exporter-parts-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string): string {
  const name = path.join(directory, `file-${Math.random()}`);
  writeFileSync(name, content);
  return name;
}

async function backups(content: object | string): Promise<Page> {
  const page = new Page();
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await backupsPart(file(text)).collect(page, () => {});
  return page;
}

describe("the status of the backups", () => {
  const lastRun = { time: "2026-01-10T02:30:00Z", result: "suspect", seconds: 9, bytes: 7 };
  const lastSuccess = { time: "2026-01-09T02:30:00Z", seconds: 8, bytes: 6, memories: 5 };

  it("is told per tier, and the drill's too", async () => {
    const drill = { time: "2026-01-01T00:00:00Z", result: "failed", seconds: 60, backup: "20260101_000000" };
    const page = await backups({ version: 1, tiers: { daily: { lastRun, lastSuccess } }, drill });
    const tier = "daily";
    expect(page.value("mem0_backup_status_up")).toBe(1);
    expect(page.value("mem0_backup_last_success_timestamp_seconds", { tier })).toBe(
      Date.parse(lastSuccess.time) / 1000,
    );
    expect(page.value("mem0_backup_last_run_result", { tier, result: "suspect" })).toBe(1);
    expect(page.value("mem0_backup_last_run_result", { tier, result: "ok" })).toBe(0);
    expect(page.value("mem0_backup_last_success_memories", { tier })).toBe(5);
    expect(page.value("mem0_backup_interval_seconds", { tier })).toBe(86_400);
    expect(page.value("mem0_restore_drill_success")).toBe(0);
  });

  it("tells how the last copy elsewhere went, and nothing of it where none was wanted", async () => {
    const copy = { time: lastRun.time, result: "failed", reason: "rclone ended with 3" };
    const page = await backups({ version: 1, tiers: {}, copy });
    expect(page.value("mem0_backup_copy_success")).toBe(0);
    expect(page.value("mem0_backup_copy_timestamp_seconds")).toBe(Date.parse(copy.time) / 1000);
    expect((await backups({ version: 1, tiers: {} })).values("mem0_backup_copy_success")).toEqual([]);
  });

  it("tells how full the backups' disk was when the last run saw it", async () => {
    const disk = { time: lastRun.time, freeBytes: 30, sizeBytes: 100 };
    const page = await backups({ version: 1, tiers: {}, disk });
    expect(page.value("mem0_disk_free_bytes", { place: "backups" })).toBe(30);
    expect(page.value("mem0_disk_size_bytes", { place: "backups" })).toBe(100);
  });

  it("of a tier that never succeeded is the beginning of time, so that its age is never young", async () => {
    const page = await backups({ version: 1, tiers: { hourly: { lastRun } } });
    expect(page.value("mem0_backup_last_success_timestamp_seconds", { tier: "hourly" })).toBe(0);
    expect(page.values("mem0_backup_last_success_memories")).toEqual([]);
  });

  it("is in order before the first backup, when there is no file", async () => {
    const page = new Page();
    await backupsPart(path.join(directory, "none")).collect(page, () => {});
    expect(page.value("mem0_backup_status_up")).toBe(1);
  });

  it.each([
    ["no JSON", "{", "not JSON"],
    ["another version", { version: 2, tiers: {} }, "version is 2; known: 1"],
    ["no tiers", { version: 1 }, "tiers "],
    [
      "a time that is none",
      { version: 1, tiers: { daily: { lastRun: { ...lastRun, time: "soon" } } } },
      "tiers.daily.lastRun.time is not a time",
    ],
    [
      "a result that is none",
      { version: 1, tiers: { daily: { lastRun: { ...lastRun, result: "?" } } } },
      "tiers.daily.lastRun.result",
    ],
  ])("with %s is malformed, and says where", async (_, content, where) => {
    await expect(backups(content)).rejects.toThrow(Malformed);
    await expect(backups(content)).rejects.toThrow(where);
  });
});

describe("the Telegram bot", () => {
  const own = [
    "# TYPE mem0_bot_polling gauge",
    "mem0_bot_polling 1",
    'mem0_bot_fault{peer="telegram",reason="conflict"} 0',
    'mem0_bot_info{version="1.2.3"} 1',
    "process_start_time_seconds 1700000000",
    "process_resident_memory_bytes 80000000",
    "mem0_bot_of_a_newer_version 7",
  ].join("\n");

  async function answering(status: number, text: string, use: (url: string) => Promise<void>): Promise<void> {
    const server = createServer((_, response) => response.writeHead(status).end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  it("is told as it tells itself, under names of the catalogue alone", async () => {
    const page = new Page();
    await answering(200, own, async (url) => {
      const part = botPart(url);
      await part.collect(page, () => {});
      await part.close();
    });
    expect(page.value("mem0_bot_up")).toBe(1);
    expect(page.value("mem0_bot_polling")).toBe(1);
    expect(page.value("mem0_bot_fault", { peer: "telegram", reason: "conflict" })).toBe(0);
    expect(page.value("mem0_component_memory_bytes", { component: "bot" })).toBe(80_000_000);
    expect(page.value("mem0_component_info", { component: "bot", version: "1.2.3" })).toBe(1);
    expect(await page.render()).not.toContain("newer_version");
  });

  it("that does not answer is down", async () => {
    const page = new Page();
    await answering(500, "", async (url) => {
      const part = botPart(url);
      await expect(part.collect(page, () => {})).rejects.toThrow("answered 500");
      part.whenDown(page);
      await part.close();
    });
    expect(page.value("mem0_bot_up")).toBe(0);
  });
});

describe("a failure", () => {
  const coded = (code: string) => Object.assign(new Error("x"), { code });
  it.each([
    ["unreachable", coded("ECONNREFUSED")],
    ["unreachable", new TypeError("fetch failed", { cause: coded("ENOTFOUND") })],
    ["unreachable", coded("ServiceUnavailable")],
    ["unauthorized", coded("28P01")],
    ["unauthorized", coded("Neo.ClientError.Security.Unauthorized")],
    ["unauthorized", new UnusableSecret("empty")],
    ["timeout", coded("57014")],
    ["timeout", new DOMException("late", "TimeoutError")],
    ["timeout", new Error("Query read timeout")],
    ["missing", coded("42P01")],
    ["malformed", new Malformed("x")],
    ["other", new Error("x")],
  ])("is %s, however deep its cause lies", (reason, error) => {
    expect(reasonOf(error)).toBe(reason);
  });

  it("is told by what happened, not by the driver's advice", () => {
    expect(inWords(new Error("Please check. Caused by: connect ECONNREFUSED"))).toBe("connect ECONNREFUSED");
  });
});

describe("a secret file", () => {
  it("holds the secret in its first line", async () => {
    expect(await readSecret(file("word\n"))).toBe("word");
  });

  it.each([
    ["is missing", path.join(directory, "absent"), "ENOENT"],
    ["is empty", file(""), "is empty"],
  ])("that %s is named, and what it holds is not", async (_, name, told) => {
    await expect(readSecret(name)).rejects.toThrow(told);
    await expect(readSecret(name)).rejects.toThrow(name);
  });
});

describe("the exporter's settings", () => {
  it("are refused with all that is missing or wrong at once", () => {
    expect(() =>
      settingsFrom({ EMBEDDER_DIMENSIONS: "many", BACKUP_RUNS: "0", POSTGRES_DB: "", POSTGRES_PORT: "5.5" }),
    ).toThrow(
      new RegExp(
        [
          "MEM0_STACK is not set",
          'EMBEDDER_DIMENSIONS must be a whole number above 0, is "many"',
          'POSTGRES_PORT must be a whole number above 0, is "5\\.5"',
          "POSTGRES_DB is not set",
          "NEO4J_URI is not set",
          'BACKUP_RUNS must be a number above 0, is "0"',
        ].join(".*"),
      ),
    );
  });

  it("have the ports of the services where none is said, and only the disks that there are", () => {
    const complete = {
      ALLOWED_HOSTS: "localhost,[::1]",
      MEM0_STACK: "test",
      INSTANCE_ID: "ab",
      EMBEDDER_MODEL: "e",
      EMBEDDER_DIMENSIONS: "384",
      SERVER_URL: "http://server:8888",
      SERVER_METRICS_URL: "http://server:9464/metrics",
      POSTGRES_HOST: "postgres",
      POSTGRES_DB: "d",
      POSTGRES_USER: "u",
      POSTGRES_PASSWORD_FILE: "/run/secrets/p",
      MEMORY_COLLECTION: "memories",
      NEO4J_URI: "bolt://neo4j:7687",
      NEO4J_USERNAME: "neo4j",
      NEO4J_PASSWORD_FILE: "/run/secrets/n",
      BACKUP_STATUS_FILE: "/status/backups.json",
      BACKUP_RUNS: "2.5",
      RUNBOOK_FILE: "/runbook.html",
      DISK_STATE: "/status",
      DASHBOARD_URL: "",
    };
    const settings = settingsFrom(complete);
    expect(settings).toMatchObject({ port: 9103, postgres: { port: 5432 }, backupRuns: 2.5 });
    expect(settings.hosts).toEqual(["localhost", "[::1]"]);
    expect(settings.identity.dimensions).toBe(384);
    expect(settings.disks).toEqual({ state: "/status" });
    expect(settings).not.toHaveProperty("dashboardUrl");
  });
});
