import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ALERTS } from "../../../../config/manifest.ts";
import { declareSilence, tellEvent, tellFindings } from "../../../../ops/alerts/alerts.ts";
import { tellBackup } from "../../../../ops/alerts/backup-result.ts";
import { deliver } from "../../../../ops/alerts/deliver.ts";
import { parseDuration } from "../../../../ops/alerts/duration.ts";
import { fromHealth, together } from "../../../../ops/alerts/sources.ts";
import type { Finding, Message } from "../../../../ops/alerts/state.ts";
import { AlertStore } from "../../../../ops/alerts/store.ts";
import { asHtml } from "../../../../ops/alerts/text.ts";
import { ExitCode, Problem } from "../../../../ops/base/problem.ts";
import type { HealthCheck } from "../../../../ops/health/health-check.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { Refusal } from "../../../harness/fakes/telegram/refusal.ts";
import { FakeTelegram } from "../../../harness/fakes/telegram/server.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const CHAT = 42;
let telegram: FakeTelegram;

beforeEach(async () => {
  telegram = await FakeTelegram.start();
  // A bot writes first to nobody.
  telegram.say(CHAT, "/start");
});
afterEach(() => telegram.down());

/** A stack that tells a chat; at once, unless told otherwise. */
function stackOf(secrets: Record<string, string> = {}, other: Parameters<typeof exampleManifest>[0] = {}) {
  const given = { telegram_token: telegram.token, telegram_chat: String(CHAT), ...secrets };
  const secretFiles = Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const file = path.join(scratch.path, name);
      writeFileSync(file, value);
      return [name, file];
    }),
  );
  const alerts = { ...ALERTS, openAfter: 1, closeAfter: 1, telegramUrl: telegram.url };
  return new DeployedStack(exampleManifest({ secretFiles, alerts, ...other }), scratch.path);
}

const heard = () =>
  telegram
    .messages(CHAT)
    .filter(({ from }) => from === "bot")
    .map(({ text }) => text);

const backupFailed: Finding = { type: "backup_failed", source: "verb", level: "CRITICAL", text: "a < b & c" };
const gone = (type: string): HealthCheck => ({
  name: type,
  type,
  ok: false,
  found: "gone",
  mend: "./mem0 up",
});

describe("the deliverer", () => {
  it("tells a chat what health has found, and that it is well again", async () => {
    const stack = stackOf();
    expect(
      await tellFindings(stack, [gone("neo4j_down"), { ...gone("neo4j_endpoint"), because: "neo4j_down" }]),
    ).toEqual([]);
    expect(await tellFindings(stack, [])).toEqual([]);
    expect(heard()).toEqual([
      expect.stringMatching(/mem0 test.*UTC\n🔴 .*neo4j_down.*: neo4j_down: gone\n {2}→ \.\/mem0 up$/s),
      expect.stringMatching(/🟢 .*neo4j_down.*: well again$/s),
    ]);
    expect(existsSync(path.join(scratch.path, "alerts", "alert_neo4j_down.last"))).toBe(true);
  });

  it("keeps on disk what could not be sent, names why without the token, and sends it later in order", async () => {
    const stack = stackOf();
    await telegram.down();
    const told = await tellEvent(stack, backupFailed);
    expect(told.undelivered).toMatchObject([{ channel: "telegram", messages: 1 }]);
    expect(JSON.stringify(told)).not.toContain(telegram.token);
    await tellFindings(stack, [gone("disk_space_low")]);
    await telegram.up();
    expect(await tellFindings(stack, [])).toEqual([]);
    expect(heard().map((text) => /(backup_failed|disk_space_low)/.exec(text)?.[0])).toEqual([
      "backup_failed",
      "disk_space_low",
      "disk_space_low",
    ]);
  });

  it("tries again when Telegram asks for a pause or fails, and gives a token that is none up at once", async () => {
    telegram.trouble("sendMessage", new Refusal(429, "Too Many Requests: retry after 1", 1));
    expect((await tellEvent(stackOf(), backupFailed)).undelivered).toEqual([]);
    expect(heard()).toHaveLength(1);
    const wrong = stackOf({ telegram_token: "730000001:AAno-bot-has-this-token_at_all_x" });
    const { undelivered } = await tellEvent(wrong, { ...backupFailed, type: "other" });
    expect(undelivered[0]?.reason).toContain("mem0:telegramToken");
  });

  it("that is killed between a send and its note sends that one again, and loses none", async () => {
    const store = new AlertStore(scratch.path);
    const message = (id: number): Message => ({
      id,
      channel: "c",
      at: 0,
      kind: "event",
      items: [backupFailed],
    });
    store.change((state) => ({ ...state, queue: [1, 2, 3].map(message), nextId: 4 }));
    const sent: number[] = [];
    let kill = true;
    const channel = {
      name: "c",
      takes: () => true,
      send: async ({ id }: Message) => {
        sent.push(id);
        if (id === 2 && kill) throw new Error("killed after it was sent, before anybody noted it");
      },
    };
    expect(await deliver(store, [channel], () => 1)).toMatchObject([{ messages: 2 }]);
    kill = false;
    expect(await deliver(new AlertStore(scratch.path), [channel], () => 1)).toEqual([]);
    expect(sent).toEqual([1, 2, 2, 3]);
    expect(store.read().queue).toEqual([]);
  });

  it("counts a cooldown in the guide's files, whose removal ends it", async () => {
    const stack = stackOf();
    expect((await tellEvent(stack, backupFailed)).heldBack).toBeUndefined();
    expect((await tellEvent(stack, backupFailed)).heldBack).toBe("cooldown");
    rmSync(path.join(scratch.path, "alerts", "alert_backup_failed.last"));
    expect((await tellEvent(stack, backupFailed)).heldBack).toBeUndefined();
    expect(heard()).toHaveLength(2);
  });

  it("honours a silence, and begins anew on a state that is damaged", async () => {
    const stack = stackOf();
    await declareSilence(stack, { type: "neo4j_down", ms: 60_000, by: "backup" });
    await tellFindings(stack, [gone("neo4j_down")]);
    expect(heard()).toEqual([]);
    mkdirSync(path.join(scratch.path, "alerts"), { recursive: true });
    writeFileSync(path.join(scratch.path, "alerts", "state.json"), "{");
    await tellFindings(stack, [gone("neo4j_down")]);
    expect(heard()).toHaveLength(1);
  });
});

describe("the end of a backup", () => {
  it("is told each time when a daily one is good, and once in a cooldown when there is none", async () => {
    const stack = stackOf();
    for (const tier of ["daily", "weekly", "hourly"] as const)
      await tellBackup(stack, tier, `${tier} backup 1`);
    for (const tier of ["daily", "hourly"] as const)
      await tellBackup(stack, tier, new Error("the disk is full"));
    expect(heard()).toEqual([
      expect.stringMatching(/backup_success.*: daily backup 1$/s),
      expect.stringMatching(/backup_success.*: weekly backup 1$/s),
      expect.stringMatching(/backup_failed.*: daily backup: the disk is full$/s),
    ]);
  });

  it("is not told while another run is at work, and never fails a backup", async () => {
    const busy = new Problem("another run is at work", { exitCode: ExitCode.busy });
    await tellBackup(stackOf(), "daily", busy);
    await telegram.down();
    await tellBackup(stackOf(), "daily", "daily backup 2");
    await tellBackup(new DeployedStack(exampleManifest(), "/nowhere"), "daily", "daily backup 3");
    await telegram.up();
    await tellFindings(stackOf(), []);
    expect(heard()).toEqual([expect.stringContaining("daily backup 2")]);
  });
});

describe("a webhook", () => {
  let server: Server;
  let status = 200;
  const got: { items: Finding[] }[] = [];

  beforeEach(async () => {
    status = 200;
    got.length = 0;
    server = createServer(async (request, response) => {
      got.push(JSON.parse(await textOf(request)));
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => server.close());

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/token-of-somebody`;

  it("gets JSON beside the chat, and what it refuses waits for it alone", async () => {
    const stack = stackOf({ alert_webhook_url: url() });
    status = 500;
    const { undelivered } = await tellEvent(stack, backupFailed);
    expect(undelivered).toEqual([{ channel: "webhook", messages: 1, reason: "it answered 500" }]);
    expect(heard()).toHaveLength(1);
    status = 200;
    await tellFindings(stack, []);
    expect(got.at(-1)).toMatchObject({ stack: "test", kind: "event", items: [backupFailed] });
    expect(heard()).toHaveLength(1);
  });

  it("that Grafana's contact point has as well gets from here what no rule watches", async () => {
    const observability = {
      exporter: "off",
      exporterPort: 1,
      job: "j",
      grafana: { url: "u", dashboard: "d" },
    } as const;
    const stack = stackOf({ alert_webhook_url: url() }, { observability });
    await tellFindings(stack, [gone("neo4j_down"), gone("canary_failed")]);
    expect(got.map(({ items }) => items.map(({ type }) => type))).toEqual([["canary_failed"]]);
  });
});

describe("what is told", () => {
  it("is one matter once, whoever found it, and nothing that another finding explains", () => {
    const rule = (type: string): Finding => ({ type, source: "prometheus", level: "WARNING", text: "fires" });
    const health = fromHealth([gone("postgresql_down"), { ...gone("postgresql_connection"), because: "x" }]);
    const all = together(health, [rule("Mem0PostgresDown"), rule("Mem0DiskFillsUp")]);
    expect(all.map(({ type }) => type)).toEqual(["postgresql_down", "Mem0DiskFillsUp"]);
    expect(all[0]).toMatchObject({ level: "CRITICAL" });
  });

  it("is escaped, and cut below what Telegram takes", () => {
    const message: Message = { id: 1, channel: "c", at: 0, kind: "alert", items: [backupFailed] };
    expect(asHtml("test", message)).toContain("<b>backup_failed</b>: a &lt; b &amp; c");
    const many = { ...message, items: Array.from({ length: 300 }, () => backupFailed) };
    expect(asHtml("test", many).length).toBeLessThan(4_096);
    expect(asHtml("test", many)).toMatch(/… and \d+ more: \.\/mem0 health test$/);
    const long = { ...message, items: [{ ...backupFailed, text: "<&>".repeat(5_000) }] };
    expect(asHtml("test", long).length).toBeLessThan(4_096);
  });

  it("is silenced for times that people write", () => {
    expect(["90s", "30m", "2h", "1d"].map(parseDuration)).toEqual([90e3, 18e5, 72e5, 864e5]);
    expect(["", "5", "0m", "-1h", "31d", "1y", "soon", "1h1h"].map(parseDuration)).toEqual(
      Array(8).fill(undefined),
    );
  });
});
