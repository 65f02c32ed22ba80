import { writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostExporterSettings } from "../../../ops/stack/host-exporter.ts";
import { startExporter } from "../../../services/exporter/src/exporter.ts";
import { FakeGrafana } from "../../harness/fakes/grafana/server.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { docker, find, WatchedStack } from "../../harness/support/watched-stack.ts";
import { Workbench } from "../services/workbench.ts";

/** A Prometheus of somebody else's, and the network that he shares with the stack. */
const WATCHER = { container: "watcher_of_the_tests", network: "mem0_shared_of_the_tests", port: 28690 };

const NETWORK = { network: { external: { name: WATCHER.network, create: true } } };
const PROMETHEUS = { prometheus: { mode: "external", container: WATCHER.container } };

let stack: WatchedStack;
let grafana: FakeGrafana;

beforeAll(async () => {
  grafana = await FakeGrafana.start();
  stack = new WatchedStack("beside", 28620);
});

afterAll(async () => {
  await execa("docker", ["rm", "--force", WATCHER.container], { reject: false });
  await stack.remove();
  await grafana.stop();
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
    const external = { mode: "external", url: grafana.url };
    await stack.up({ ...NETWORK, observability: { ...PROMETHEUS, grafana: external } });

    const target = () => stack.target(WATCHER.port);
    await waitFor("the first scrape", async () => (await target())?.health === "up", 60);
    expect((await target())?.labels.stack).toBe(stack.stack);

    const { folders, dashboards, ruleGroups } = grafana.content;
    expect([...folders.keys()]).toEqual([`mem0-${stack.stack}`]);
    expect([...dashboards.keys()]).toEqual(["mem0-dashboard"]);
    expect(ruleGroups.size).toBeGreaterThan(2);
    expect(stack.manifest.observability?.grafana?.dashboard).toBe(`${grafana.url}/d/mem0-dashboard`);
    expect(await (await fetch(stack.address)).text()).toContain(`${grafana.url}/d/mem0-dashboard`);
    expect(stack.lines.join("\n")).not.toContain(grafana.token);
  });

  it("takes what is its own out of that Grafana when it is told to leave it", async () => {
    await stack.up({
      observability: { exporter: "host", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    });
    const { folders, dashboards, ruleGroups } = grafana.content;
    expect([folders.size, dashboards.size, ruleGroups.size]).toEqual([0, 0, 0]);
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

describe("the exporter as a process of the host", () => {
  it("serves what its container would, and the container is gone", async () => {
    await expect(docker("inspect", stack.container("metrics_exporter"))).rejects.toThrow(/No such/);
    const exporter = await startExporter(hostExporterSettings(stack.deployed), "127.0.0.1");
    try {
      expect(exporter.port).toBe(stack.ports.exporter);
      const samples = await stack.samples();
      for (const part of ["server", "postgres", "neo4j", "backups", "disk"]) {
        expect(find(samples, "mem0_exporter_part_up", { part })?.value, part).toBe(1);
      }
      expect(find(samples, "mem0_service_ready")?.value).toBe(1);
      expect(find(samples, "mem0_memories_total")?.value).toBe(0);
    } finally {
      await exporter.close();
    }
  });
});
