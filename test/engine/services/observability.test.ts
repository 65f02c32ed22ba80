import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageSize, Workbench } from "./workbench.ts";

const bench = new Workbench();

afterAll(() => bench.remove());

describe("the exporter's image", () => {
  let image: string;

  beforeAll(async () => {
    image = await bench.image("metrics_exporter");
  });

  it("is at most 250 MB, and runs nothing as root", async () => {
    expect(await imageSize(image)).toBeLessThanOrEqual(250e6);
    expect((await bench.run({ image, args: ["id", "-u"] })).output).toBe("10001");
  });

  it("ends with 78 and the list of what is missing when it is not told enough", async () => {
    const { exitCode, output } = await bench.run({ image, env: { MEM0_STACK: "test" } });
    expect(exitCode).toBe(78);
    expect(output).toContain("POSTGRES_HOST is not set");
    expect(output).not.toContain("MEM0_STACK is not set");
  });

  it("starts, answers and stops at once although nothing that it asks is there", async () => {
    const nowhere = "http://127.0.0.1:9";
    const container = await bench.start({
      image,
      tmpfs: ["/tmp"],
      ports: [9103],
      env: {
        ALLOWED_HOSTS: "127.0.0.1",
        MEM0_STACK: "test",
        INSTANCE_ID: "ab",
        EMBEDDER_MODEL: "e",
        EMBEDDER_DIMENSIONS: "3",
        SERVER_URL: nowhere,
        SERVER_METRICS_URL: nowhere,
        POSTGRES_HOST: "127.0.0.1",
        POSTGRES_DB: "d",
        POSTGRES_USER: "u",
        POSTGRES_PASSWORD_FILE: "/run/secrets/none",
        MEMORY_COLLECTION: "memories",
        NEO4J_URI: "bolt://127.0.0.1:9",
        NEO4J_USERNAME: "neo4j",
        NEO4J_PASSWORD_FILE: "/run/secrets/none",
        BACKUP_RUNS: "2",
        BACKUP_STATUS_FILE: "/status/backups.json",
        RUNBOOK_FILE: "/etc/mem0/runbook.html",
      },
    });
    await container.untilSucceeds("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9103");
    const answer = await fetch(`http://127.0.0.1:${await container.publishedPort(9103)}/metrics`);
    expect(await answer.text()).toMatch(/^mem0_postgres_up 0$/m);
    expect(await container.stop(10)).toBe(0);
  });
});

describe("the image of Prometheus", () => {
  let image: string;

  beforeAll(async () => {
    image = await bench.image("prometheus");
  });

  const started = (config: string, volume: string) => {
    const directory = bench.directory();
    writeFileSync(path.join(directory, "prometheus.yml"), config);
    return { image, volumes: [`${directory}:/etc/prometheus:ro`, volume], tmpfs: ["/tmp"] };
  };

  it("runs nothing as root, and says what is installed", async () => {
    const shell = (command: string) =>
      bench.run({ image, options: ["--entrypoint", "sh"], args: ["-c", command] });
    expect((await shell("id -u")).output).toBe("10001");
    expect((await shell("cat /etc/mem0-versions")).output).toMatch(/^prometheus 2\.53\./);
  });

  it("keeps what it scraped when its container goes", async () => {
    const volume = `${bench.volume()}:/prometheus`;
    const config = "scrape_configs: []\n";
    const first = await bench.start(started(config, volume));
    await first.untilSucceeds("test", "-d", "/prometheus/data/wal");
    expect(await first.stop(60)).toBe(0);
    const second = await bench.start(started(config, volume));
    await second.untilSucceeds("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9090");
  });

  it.each([
    ["a configuration that is not valid", "scrape_configs: [{}]\n", "", "not valid"],
    ["a volume that it may not write to", "scrape_configs: []\n", ":ro", "/prometheus is not writable"],
  ])("refuses %s, with a word on what to do", async (_, config, mode, told) => {
    const { exitCode, output } = await bench.run(started(config, `${bench.volume()}:/prometheus${mode}`));
    expect(exitCode).toBe(1);
    expect(output).toContain(told);
  });
});
