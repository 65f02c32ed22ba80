import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { alertOptions, alertsOf } from "../../../observability/alerts.ts";
import { noteRun, statusFile, updateStatus } from "../../../ops/backup/status-file.ts";
import { downType } from "../../../ops/health/health-check.ts";
import { overview, readHistory, readMetrics } from "../../../ops/stack/metrics.ts";
import {
  CATALOGUE,
  GUIDE_METRICS,
  LINT_EXCEPTIONS,
  type MetricName,
} from "../../../services/exporter/src/catalogue.ts";
import { parseExposition } from "../../../services/exporter/src/exposition.ts";
import { artefact, openChromium } from "../../harness/support/chromium/browser.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { alertQuestions, dashboardQuestions } from "../../harness/support/questions.ts";
import { docker, find, WatchedStack } from "../../harness/support/watched-stack.ts";
import { describeHealth, foundWrong } from "./health.ts";

/** Nothing listens here. */
const CLOSED = 28699;

let stack: WatchedStack;

beforeAll(async () => {
  stack = new WatchedStack("watched", 28600);
  await stack.up();
  await stack.remember("I keep bees on the roof", "ann");
});

afterAll(async () => {
  await stack.remove();
});

describe("the page of metrics", () => {
  it.each(GUIDE_METRICS)("has %s of the guide, with its type and a value", async (name) => {
    const page = await stack.page();
    expect(page).toContain(`# TYPE ${name} ${CATALOGUE[name].type}\n`);
    const line = CATALOGUE[name].type === "histogram" ? `${name}_count` : name;
    expect(find(parseExposition(page), line)?.value).toBeGreaterThanOrEqual(0);
  });

  it("holds nothing that the catalogue does not name, with no other labels, and no user", async () => {
    const page = await stack.page();
    for (const { name, labels } of parseExposition(page)) {
      const metric = [name, name.replace(/_(bucket|sum|count)$/, "")].find((known) => known in CATALOGUE);
      expect(metric, name).toBeDefined();
      const allowed = [...Object.keys(CATALOGUE[metric as MetricName].labels), "le"];
      expect(allowed, name).toEqual(expect.arrayContaining(Object.keys(labels)));
    }
    expect(page).not.toMatch(/\bann\b|bees/);
  });

  it("passes promtool but for the two names that the guide asks for", async () => {
    const check = ["exec", "--interactive", stack.container("prometheus"), "promtool", "check", "metrics"];
    const { all } = await execa("docker", check, { input: await stack.page(), all: true, reject: false });
    expect(all.split("\n").map((line) => line.split(" ")[0])).toEqual([...LINT_EXCEPTIONS].sort());
  });

  it("counts what there is: memories, users, entities, and only relationships that are still true", async () => {
    expect(await stack.value("mem0_memories_total")).toBe(
      Number(await stack.sql("SELECT count(*) FROM memories")),
    );
    expect(await stack.value("mem0_users_total")).toBe(1);
    const relationships = () => stack.value("mem0_neo4j_relationships");
    // The server may answer before the graph has its part of a memory.
    const whole = async () =>
      (await stack.value("mem0_repairs_pending")) === 0 && ((await relationships()) ?? 0) > 0;
    await waitFor("the graph of the first memory", whole);
    const nodes = (await stack.value("mem0_neo4j_nodes")) ?? Number.NaN;
    const before = (await relationships()) ?? Number.NaN;
    await stack.cypher(
      "CREATE (a:__Entity__ {name: 'a'})-[:R {valid: false}]->(b:__Entity__ {name: 'b'})-[:R]->(a)",
    );
    const counted = async () => (await relationships()) === before + 1;
    await waitFor("one more relationship", counted);
    expect(await stack.value("mem0_neo4j_nodes")).toBe(nodes + 2);
  });

  it("moves within 30 s of a memory that is stored, in Prometheus too", async () => {
    const added = () => stack.value("mem0_writes_total", { event: "ADD" });
    // A server that is just starting answers 503 first, and is asked again.
    const answered = { route: "/memories", method: "POST", status: "2xx" };
    const asked = () => stack.value("mem0_api_requests_total", answered);
    const [memories, writes, requests] = [
      await stack.value("mem0_memories_total"),
      await added(),
      await asked(),
    ];
    await stack.remember("I play the cello", "bob");
    const seen = async () => {
      const query = encodeURIComponent(`mem0_memories_total{stack="${stack.stack}"}`);
      const { result } = await stack.prometheus<{ result: { value: [number, string] }[] }>(
        `query?query=${query}`,
      );
      return Number(result[0]?.value[1]) > (memories ?? Number.NaN);
    };
    await waitFor("Prometheus to see the memory", seen, 30);
    expect(await added()).toBe((writes ?? 0) + 1);
    expect(await asked()).toBe((requests ?? 0) + 1);
    expect(await stack.value("mem0_users_total")).toBe(2);
  });

  it("knows this stack's data from another's", async () => {
    const identity = { instanceId: "another", embedder: "e", dimensions: 3 };
    for (const store of ["postgres", "neo4j"]) {
      expect(await stack.value("mem0_identity_match", { store })).toBe(1);
      await stack.withExporter({ identity }, async (address) => {
        expect(await stack.value("mem0_identity_match", { store }, address)).toBe(0);
      });
    }
  });

  it("is read with a role that cannot write, even when it tries", async () => {
    const role = `mem0_metrics_${stack.stack}`;
    expect(await stack.sql("SELECT count(*) > 0 FROM memories", role)).toBe("t");
    for (const statement of ["DELETE FROM memories", "CREATE TABLE mine (a int)"]) {
      const tried = stack.sql(`BEGIN READ WRITE; ${statement}`, role);
      await expect(tried).rejects.toThrow(/permission denied/);
    }
  });

  it("tells how backups and drill went, and names a status file that is damaged", async () => {
    const file = path.join(stack.directory, "status", "backups.json");
    const time = new Date().toISOString();
    const lastRun = { time, result: "ok", seconds: 9, bytes: 7 };
    const lastSuccess = { time, seconds: 9, bytes: 7, memories: 2 };
    writeFileSync(file, JSON.stringify({ version: 1, tiers: { daily: { lastRun, lastSuccess } } }));
    expect(await stack.value("mem0_backup_last_success_memories", { tier: "daily" })).toBe(2);
    writeFileSync(file, "{");
    expect(await stack.value("mem0_backup_status_up")).toBe(0);
    const labels = { part: "backups", reason: "malformed" };
    expect(await stack.value("mem0_exporter_part_errors_total", labels)).toBeGreaterThan(0);
    expect(await docker("logs", stack.container("metrics_exporter"))).toContain("backups.json is not JSON");
    rmSync(file);
    expect(await stack.value("mem0_backup_status_up")).toBe(1);
    const restarts = await docker(
      "inspect",
      "--format",
      "{{.RestartCount}}",
      stack.container("metrics_exporter"),
    );
    expect(restarts).toBe("0");
  });
});

describe("what dashboard and alerts ask of Prometheus", () => {
  const options = alertOptions(exampleSettings({}, "watched"));
  let stopTraffic: () => Promise<void>;

  beforeAll(async () => {
    const run = (day: string) => ({ time: `2026-01-${day}T02:30:00Z`, seconds: 9 });
    updateStatus(stack.directory, (status) => ({
      ...noteRun(
        status,
        "daily",
        { ...run("02"), result: "ok" },
        { ...run("02"), bytes: 7, memories: 2, id: "20260102_023000" },
      ),
      copy: { time: run("02").time, result: "ok" },
      drill: { ...run("01"), result: "ok" },
    }));
    stopTraffic = stack.startTraffic();
  });

  afterAll(async () => {
    rmSync(statusFile(stack.directory));
    await stopTraffic();
  });

  it.each([...dashboardQuestions(options, "metrics_exporter:9103"), ...alertQuestions(options)])(
    "$asker has an answer: $expr",
    async ({ expr }) => {
      // A rate needs traffic between two scrapes.
      await waitFor("a value", async () => (await stack.ask(expr)).length > 0, 90);
    },
  );

  it("offers the job and the instance that there are", async () => {
    const values = (label: string) =>
      stack.prometheus<string[]>(`label/${label}/values?match[]=mem0_service_up`);
    expect(await values("job")).toEqual([options.job]);
    expect(await values("instance")).toEqual(["metrics_exporter:9103"]);
  });

  it("is evaluated without an error, and what always fires does", async () => {
    type Rule = { name: string; health: string; lastError?: string; state: string };
    const rules = async () =>
      (await stack.prometheus<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap(({ rules }) => rules);
    await waitFor("all rules to be evaluated", async () =>
      (await rules()).every(({ health }) => health !== "unknown"),
    );
    const evaluated = await rules();
    const names = (of: readonly { name: string }[]) => of.map(({ name }) => name).sort();
    expect(names(evaluated)).toEqual(names(alertsOf(options)));
    expect(evaluated.filter(({ health }) => health !== "ok")).toEqual([]);
    expect(evaluated.find(({ name }) => name === "Mem0Watchdog")?.state).toBe("firing");
  });

  it("notes a dead exporter within two scrapes, and that it is back", async () => {
    const pending = () => stack.ask('ALERTS{alertname="Mem0ExporterGone",alertstate="pending"}');
    await docker("kill", stack.container("metrics_exporter"));
    try {
      // Two scrapes of 15 s, and the next evaluation of the rules.
      await waitFor("the alert to be noted", async () => (await pending()).length > 0, 60);
    } finally {
      await docker("start", stack.container("metrics_exporter"));
    }
    await waitFor("the alert to end", async () => (await pending()).length === 0);
  });
});

describe("when something is wrong", () => {
  /** What the test before took down is back: it would be found too. */
  beforeEach(() => expect.poll(() => foundWrong(stack.deployed), { timeout: 60_000 }).toEqual([]));

  it.each([
    ["postgres", "mem0_postgres_up", "mem0_neo4j_nodes"],
    ["neo4j", "mem0_neo4j_up", "mem0_memories_total"],
    ["server", "mem0_service_up", "mem0_memories_total"],
  ] as const)(
    "a dead %s shows within two scrapes, and costs its own metrics only",
    async (service, own, other) => {
      await docker("kill", stack.container(service));
      try {
        await stack.page();
        const samples = await stack.samples();
        for (const up of ["mem0_postgres_up", "mem0_neo4j_up", "mem0_service_up"]) {
          expect(find(samples, up)?.value, up).toBe(up === own ? 0 : 1);
        }
        expect(find(samples, other)?.value).toBeGreaterThan(0);
        // A count of a store that is away is not known, and neither old nor 0.
        expect(find(samples, "mem0_memories_total") === undefined).toBe(service === "postgres");
        // Two scrapes of Prometheus, and the time that each may take.
        expect(await foundWrong(stack.deployed)).toEqual([downType(service)]);
        const seen = async () => (await stack.ask(`${own}{stack="${stack.stack}"}`)).join() === "0";
        await waitFor(`${own} to fall in Prometheus`, seen, 40);
      } finally {
        await docker("start", stack.container(service));
      }
    },
  );

  it("a database that hangs does not hang the scrape", async () => {
    await docker("pause", stack.container("postgres"));
    try {
      const samples = await stack.samples();
      expect(find(samples, "mem0_postgres_up")?.value).toBe(0);
      expect(find(samples, "mem0_neo4j_up")?.value).toBe(1);
      // Prometheus gives up after 10 s.
      expect(await foundWrong(stack.deployed)).toEqual(["postgresql_down"]);
      const took = find(samples, "mem0_exporter_part_duration_seconds", { part: "postgres" })?.value;
      expect(took).toBeLessThan(5);
    } finally {
      await docker("unpause", stack.container("postgres"));
    }
  });

  it("a table that is locked costs what is read from it, and no more", async () => {
    const database = ["psql", "-XAtq", "-U", "postgres", "-d", `mem0_${stack.stack}`];
    const holder = execa("docker", ["exec", "--interactive", stack.container("postgres"), ...database]);
    const locked = new Promise<void>((resolve) => holder.stdout.once("data", () => resolve()));
    holder.stdin.write("BEGIN; LOCK TABLE memories IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n");
    await locked;
    const samples = await stack.samples();
    holder.stdin.end("ROLLBACK;\n");
    await holder;
    expect(find(samples, "mem0_postgres_up")?.value).toBe(1);
    expect(find(samples, "mem0_database_connections")?.value).toBeGreaterThan(0);
    const part = { part: "postgres" };
    expect(find(samples, "mem0_exporter_part_up", part)?.value).toBe(0);
    const whole = async () => (await stack.value("mem0_exporter_part_up", part)) === 1;
    await waitFor("the table to be read again", whole);
  });

  it("a wrong password, a store that is nowhere and a missing password file are named, and nothing ends", async () => {
    const told: string[] = [];
    const output = vi
      .spyOn(process.stdout, "write")
      .mockImplementation((line) => told.push(String(line)) > 0);
    const { postgres, neo4j } = stack.hostSettings;
    const passwordFile = path.join(stack.project.directory, "wrong-password");
    writeFileSync(passwordFile, "not the password\n");
    const secrets = {
      postgres: { ...postgres, passwordFile },
      neo4j: { ...neo4j, passwordFile: "/nowhere/password" },
    };
    const nowhere = {
      postgres: { ...postgres, port: CLOSED },
      server: { url: `http://127.0.0.1:${CLOSED}`, metricsUrl: `http://127.0.0.1:${CLOSED}` },
    };
    const errors = (part: string, reason: string, address: string) =>
      stack.value("mem0_exporter_part_errors_total", { part, reason }, address);
    try {
      await stack.withExporter(secrets, async (address) => {
        expect(await stack.value("mem0_postgres_up", {}, address)).toBe(0);
        expect(await stack.value("mem0_neo4j_up", {}, address)).toBe(0);
        expect(await errors("postgres", "unauthorized", address)).toBeGreaterThan(0);
        expect(await errors("neo4j", "unauthorized", address)).toBeGreaterThan(0);
      });
      await stack.withExporter(nowhere, async (address) => {
        expect(await stack.value("mem0_service_up", {}, address)).toBe(0);
        expect(await stack.value("mem0_neo4j_up", {}, address)).toBe(1);
        expect(await errors("postgres", "unreachable", address)).toBeGreaterThan(0);
        expect(await errors("server", "unreachable", address)).toBeGreaterThan(0);
      });
    } finally {
      output.mockRestore();
    }
    expect(told.join("")).toMatch(/password authentication failed.*28P01/);
    expect(told.join("")).toContain("the password file /nowhere/password cannot be read");
    expect(told.join("")).not.toContain("not the password");
  });
});

describeHealth(() => stack);

describe("the landing page", () => {
  it.each([
    ["phone", 390, "light"],
    ["desk", 1100, "dark"],
  ] as const)(
    "fits a %s, and shows there what the stack holds, without a script",
    async (name, width, scheme) => {
      const { browser, close } = await openChromium();
      try {
        const page = await browser.newPage();
        const failed: string[] = [];
        page.on("requestfailed", (request) => failed.push(request.url()));
        page.on("console", (message) => failed.push(message.text()));
        await page.setJavaScriptEnabled(false);
        await page.setViewport({ width, height: 844, deviceScaleFactor: 2, isMobile: width < 500 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.goto(stack.address);
        const text = String(await page.evaluate("document.body.innerText"));
        for (const shown of ["memories", "PostgreSQL", "No backup yet", "Neo4j", "17.", "5.26."]) {
          expect(text).toContain(shown);
        }
        expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
        expect(await page.evaluate("document.scripts.length")).toBe(0);
        expect(failed).toEqual([]);
        await page.screenshot({ path: artefact(`landing-page-${name}.png`), fullPage: true });
      } finally {
        await browser.disconnect();
        await close();
      }
    },
  );

  it("leads to the runbook, which is there without the Internet and has what alerts link to", async () => {
    expect(await (await fetch(stack.address)).text()).toContain('href="/runbook"');
    const page = await fetch(`${stack.address}/runbook`);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).toContain('id="postgresql-is-down"');
  });

  it("answers /healthz while it lives, and nothing but what it names", async () => {
    expect((await fetch(`${stack.address}/healthz`)).status).toBe(200);
    expect((await fetch(`${stack.address}/other`)).status).toBe(404);
    expect((await fetch(stack.address, { method: "POST" })).status).toBe(405);
  });
});

describe("Prometheus", () => {
  it("of the stack scrapes the exporter as the guide says, with the rules of this checkout", async () => {
    await waitFor("the first scrape", async () => (await stack.target())?.health === "up", 30);
    expect(await stack.target()).toMatchObject({
      labels: { stack: stack.stack },
      scrapeInterval: "15s",
      scrapeTimeout: "10s",
    });
    const inContainer = await docker(
      "exec",
      stack.container("prometheus"),
      "cat",
      "/etc/prometheus/rules.yml",
    );
    expect(inContainer.trim()).toBe(
      readFileSync(path.join(stack.directory, "prometheus/rules.yml"), "utf8").trim(),
    );
  });

  it("gives `./mem0 metrics` the past beside the present", async () => {
    const { manifest } = stack;
    const end = Date.now() / 1000;
    const rows = overview(await readMetrics(manifest), { job: "mem0-metrics", stack: stack.stack }, end);
    expect(rows.filter(({ now }) => now === undefined)).toEqual([]);
    const expressions = rows.map(({ expr }) => expr);
    const past = await readHistory(manifest, expressions, { end, hours: 0.1, points: 24 });
    expect(past).toHaveLength(rows.length);
    for (const [index, { title }] of rows.entries()) {
      expect(past?.[index]?.filter((value) => value !== undefined).length, title).toBeGreaterThan(0);
    }
  });
});
