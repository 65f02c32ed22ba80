import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostExporterSettings } from "../../../ops/stack/host-exporter.ts";
import { startExporter } from "../../../services/exporter/src/exporter.ts";
import { FakeGrafana } from "../../harness/fakes/grafana/server.ts";
import { FakeTelegram } from "../../harness/fakes/telegram/server.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { docker, find, WatchedStack } from "../../harness/support/watched-stack.ts";
import { imageSize, Workbench } from "../services/workbench.ts";

/** A Prometheus of somebody else's, and the network that he shares with the stack. */
const WATCHER = { container: "watcher_of_the_tests", network: "mem0_shared_of_the_tests", port: 28690 };

const NETWORK = { network: { external: { name: WATCHER.network, create: true } } };
const PROMETHEUS = { prometheus: { mode: "external", container: WATCHER.container } };

/** Telegram ids of a user of the bot, and of nobody. */
const ANNA = 4001;
const STRANGER = 4666;

let stack: WatchedStack;
let grafana: FakeGrafana;
let telegram: FakeTelegram;

beforeAll(async () => {
  grafana = await FakeGrafana.start();
  // Containers reach the host under its address on Docker's bridge, not on loopback.
  telegram = await FakeTelegram.start("0.0.0.0");
  stack = new WatchedStack("beside", 28620);
});

afterAll(async () => {
  await execa("docker", ["rm", "--force", WATCHER.container], { reject: false });
  await stack.remove();
  await grafana.stop();
  await telegram.down();
  await execa("docker", ["network", "rm", WATCHER.network], { reject: false });
});

describe("a stack beside a Prometheus and a Grafana of somebody else's", () => {
  it("is deployed all the same when that Prometheus is not there, and says so", async () => {
    await stack.up({ ...NETWORK, observability: { ...PROMETHEUS, grafana: { mode: "off" } } });
    expect(stack.lines.join("\n")).toContain(`no container ${WATCHER.container} runs`);
  });

  it("tells both of itself when they are there, with the token that it was given as a secret", async () => {
    await startWatcher();
    await stack.project.giveSecret(stack.stack, "grafanaAuth", grafana.token);
    await stack.project.giveSecret(stack.stack, "telegramToken", telegram.token);
    const external = { mode: "external", url: grafana.url };
    const apiUrl = `http://host.docker.internal:${telegram.port}`;
    const postgres = await created("postgres");
    await stack.up({
      ...NETWORK,
      observability: { ...PROMETHEUS, grafana: external },
      telegram: { users: { [ANNA]: "anna" }, apiUrl },
    });
    // With the bot comes another key, and a network: the stores know of neither.
    expect(await created("postgres")).toBe(postgres);

    const target = () => stack.target(WATCHER.port);
    await waitFor("the first scrape", async () => (await target())?.health === "up", 60);
    expect((await target())?.labels.stack).toBe(stack.stack);

    const { folders, dashboards, ruleGroups } = grafana.content;
    expect([...folders.keys()]).toEqual([`mem0-${stack.stack}`]);
    expect([...dashboards.keys()]).toEqual(["mem0-dashboard"]);
    expect(ruleGroups.size).toBeGreaterThan(2);
    expect(stack.manifest.observability?.grafana?.dashboard).toBe(`${grafana.url}/d/mem0-dashboard`);
    expect(await (await fetch(stack.address)).text()).toContain(`${grafana.url}/d/mem0-dashboard`);
    for (const { token } of [grafana, telegram]) expect(stack.lines.join("\n")).not.toContain(token);
  });

  /** With a configuration that includes what the stack writes, as docs/observability.md asks for. */
  async function startWatcher(): Promise<void> {
    const config = path.join(stack.project.directory, "watcher.yml");
    writeFileSync(
      config,
      "scrape_config_files: [/etc/prometheus/mem0/scrape.yml]\nrule_files: [/etc/prometheus/mem0/rules.yml]\n",
    );
    const options = ["--detach", "--name", WATCHER.container, "--network", WATCHER.network];
    const mounts = [
      `${config}:/etc/prometheus/prometheus.yml:ro`,
      `${stack.directory}/external-prometheus:/etc/prometheus/mem0:ro`,
    ];
    // A run that was killed left it.
    await execa("docker", ["rm", "--force", WATCHER.container], { reject: false });
    await docker(
      "run",
      ...options,
      ...mounts.flatMap((mount) => ["--volume", mount]),
      ...["--tmpfs", "/prometheus:mode=1777", "--publish", `127.0.0.1:${WATCHER.port}:9090`],
      await new Workbench().image("prometheus"),
    );
  }
});

function created(service: string): Promise<string> {
  return docker("inspect", stack.container(service), "--format", "{{.Created}}");
}

/** Says something and waits for the answer, which may begin as a note. */
async function ask(text: string, answer: RegExp): Promise<string> {
  const before = telegram.answers(ANNA).length;
  telegram.say(ANNA, text);
  const found = () =>
    telegram
      .answers(ANNA)
      .slice(before)
      .find((said) => answer.test(said));
  await waitFor(`an answer to ${text}`, async () => found() !== undefined, 60);
  return found() ?? "";
}

describe("somebody who writes to the stack's Telegram bot", () => {
  it("is greeted, has things remembered, and recalls them by meaning as soon as the bot has said so", async () => {
    expect(await ask("/start", /Hello/)).toContain("memories of anna");
    expect(await ask("/remember I am allergic to peanuts", /Remembered/)).toMatch(/peanuts/);
    expect(await ask("/recall what must I not eat?", /^1\./)).toMatch(/peanuts/);
    expect(await ask("/status", /memory is ready/)).toContain("It holds 1 memories of anna.");
    expect((await stack.deployed.server.recall("allergy", "anna", 1))[0]?.memory).toMatch(/peanuts/);
  });

  it("forgets what was confirmed", async () => {
    await ask("/list", /^1\. /);
    await ask("/forget 1", /Forget this for good/);
    telegram.press(ANNA, telegram.messages(ANNA).at(-1)?.id ?? 0, "Forget it");
    await waitFor(
      "it to be forgotten",
      async () => /Forgotten/.test(telegram.answers(ANNA).at(-1) ?? ""),
      60,
    );
    expect(await stack.deployed.server.recall("allergy", "anna", 1)).toEqual([]);
  });

  it("notes what comes while the server is down, and remembers it once, though the bot dies too", async () => {
    await docker("stop", stack.container("server"));
    await ask("/remember My sister Anna works in Berlin", /Noted/);
    await docker("kill", stack.container("telegram_bot"));
    await docker("start", stack.container("telegram_bot"), stack.container("server"));
    await waitFor(
      "the note to become the answer",
      async () => telegram.answers(ANNA).some((text) => /^Remembered: .*Berlin/.test(text)),
      90,
    );
    expect(await stack.deployed.server.recall("Berlin", "anna", 9)).toHaveLength(1);
  });

  it("turns strangers away, and knows nobody's memories but its users'", async () => {
    telegram.say(STRANGER, "/list");
    await waitFor("the refusal", async () => telegram.answers(STRANGER).length === 1, 30);
    const key = readFileSync(stack.manifest.secretFiles.api_key_telegram_bot ?? "", "utf8");
    const answer = await fetch(`http://127.0.0.1:${stack.ports.server}/memories?user_id=ben`, {
      headers: { "X-API-Key": key },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  it("holds its token in a file alone, and takes at most 80 MiB", async () => {
    const container = stack.container("telegram_bot");
    expect(await docker("inspect", container)).not.toContain(telegram.token);
    expect(await docker("logs", container)).not.toContain(telegram.token.split(":")[1] ?? "");
    // As Docker counts it against the limit: its own memory, without the files of Node that any process has mapped.
    const used = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container);
    expect(Number(/^([\d.]+)MiB/.exec(used)?.[1])).toBeLessThanOrEqual(80);
    expect(await imageSize(stack.manifest.services.telegram_bot?.image ?? "")).toBeLessThanOrEqual(250e6);
  });
});

describe("the Telegram bot of a stack", () => {
  it("is told of by the exporter", async () => {
    expect(await stack.value("mem0_bot_up")).toBe(1);
    expect(await stack.value("mem0_bot_polling")).toBe(1);
    expect(await stack.value("mem0_bot_messages_total", { kind: "stranger" })).toBe(1);
    expect(await stack.value("mem0_bot_failures_total", { peer: "telegram", reason: "conflict" })).toBe(0);
    expect(await stack.value("mem0_exporter_part_up", { part: "bot" })).toBe(1);
  });

  it("reaches the server, and no store, by its name or its address", async () => {
    const connects = async (host: string, port: number) => {
      const connect = ["timeout", "1", "bash", "-c", `exec 3<>/dev/tcp/${host}/${port}`];
      return (
        (await execa("docker", ["exec", stack.container("telegram_bot"), ...connect], { reject: false }))
          .exitCode === 0
      );
    };
    const inside = `{{(index .NetworkSettings.Networks "${stack.manifest.network}").IPAddress}}`;
    expect(await connects("server", 8888)).toBe(true);
    for (const [service, port] of [
      ["postgres", 5432],
      ["neo4j", 7687],
      ["model", 8000],
    ] as const) {
      const address = await docker("inspect", stack.container(service), "--format", inside);
      expect(address).toMatch(/^\d+\./);
      expect([await connects(service, port), await connects(address, port)], service).toEqual([false, false]);
    }
  });
});

describe("a stack that leaves its neighbours", () => {
  it("takes what is its own out of that Grafana, and has no bot any more", async () => {
    await stack.up({
      observability: { exporter: "host", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    });
    const { folders, dashboards, ruleGroups } = grafana.content;
    for (const service of ["metrics_exporter", "telegram_bot"])
      await expect(docker("container", "inspect", stack.container(service))).rejects.toThrow(/No such/);
    await expect(docker("network", "inspect", `mem0_bot_${stack.stack}`)).rejects.toThrow(
      /not found|No such/i,
    );
    expect([folders.size, dashboards.size, ruleGroups.size]).toEqual([0, 0, 0]);
  });
});

describe("the exporter as a process of the host", () => {
  it("serves what its container would", async () => {
    const exporter = await startExporter(hostExporterSettings(stack.deployed), "127.0.0.1");
    try {
      expect(exporter.port).toBe(stack.ports.exporter);
      const samples = await stack.samples();
      for (const part of ["server", "postgres", "neo4j", "backups", "disk"]) {
        expect(find(samples, "mem0_exporter_part_up", { part })?.value, part).toBe(1);
      }
      expect(find(samples, "mem0_service_ready")?.value).toBe(1);
      expect(find(samples, "mem0_memories_total")?.value).toBe(1);
      expect(find(samples, "mem0_bot_up")).toBeUndefined();
    } finally {
      await exporter.close();
    }
  });
});
