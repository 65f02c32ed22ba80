import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import type { Manifest } from "../../../config/manifest.ts";
import { deleteStack } from "../../../ops/stack/deletion.ts";
import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { deploy } from "../../../ops/stack/deployment.ts";
import { hostExporterSettings } from "../../../ops/stack/host-exporter.ts";
import type { MetricName } from "../../../services/exporter/src/catalogue.ts";
import { startExporter } from "../../../services/exporter/src/exporter.ts";
import { parseExposition, type Sample } from "../../../services/exporter/src/exposition.ts";
import type { Settings } from "../../../services/exporter/src/settings.ts";
import { cypher } from "./cypher.ts";
import { makeProject, type Project } from "./project.ts";

type Labels = Record<string, string>;

/** The first sample of that name that has these labels, among others. */
export function find(samples: readonly Sample[], name: string, labels: Labels = {}): Sample | undefined {
  return samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
  );
}

/** Docker's command line; output and errors together. */
export async function docker(...args: string[]): Promise<string> {
  return (await execa("docker", args, { all: true })).all;
}

/** What Prometheus tells about one scrape. */
interface Target {
  labels: Labels;
  health: string;
  scrapeInterval: string;
  scrapeTimeout: string;
}

/** A deployed stack, seen from outside as those who watch it see it. */
export class WatchedStack {
  readonly project: Project;
  readonly stack: string;
  readonly ports: Record<string, number>;
  /** What the deployments said. */
  readonly lines: string[] = [];

  /** @param firstPort of the range that the stack's ports are taken from */
  constructor(stack: string, firstPort: number) {
    this.project = makeProject(stack);
    this.stack = stack;
    const keys = ["server", "postgres", "neo4jHttp", "neo4jBolt", "exporter", "prometheus", "serverMetrics"];
    this.ports = Object.fromEntries(keys.map((key, index) => [key, firstPort + index]));
  }

  async up(groups: object = {}): Promise<void> {
    this.project.configure(this.stack, { model: { provider: "embedded" }, ports: this.ports, ...groups });
    await deploy(this.project.context(this.stack), (line) => this.lines.push(line));
  }

  remove(): Promise<void> {
    const context = this.project.context(this.stack);
    return deleteStack(context, this.deployed, () => {}).then(() => this.project.remove());
  }

  /** The stack as it is deployed now. Whoever asks a database through it closes it. */
  get deployed(): DeployedStack {
    return DeployedStack.read(this.project.stateHome, this.stack);
  }

  get manifest(): Manifest {
    return this.deployed.manifest;
  }

  get address(): string {
    return `http://127.0.0.1:${this.ports.exporter}`;
  }

  /** Directory on the host that the stack keeps its own files in. */
  get directory(): string {
    return path.join(this.project.stateHome, "stacks", this.stack);
  }

  container(service: string): string {
    return `mem0_${service}_${this.stack}`;
  }

  async remember(text: string, user: string): Promise<void> {
    await this.deployed.server.remember(text, user);
  }

  /** The exporter's page, as it is served. */
  async page(address = this.address): Promise<string> {
    return (await fetch(`${address}/metrics`)).text();
  }

  async samples(address = this.address): Promise<Sample[]> {
    return parseExposition(await this.page(address));
  }

  async value(name: MetricName, labels: Labels = {}, address = this.address): Promise<number | undefined> {
    return find(await this.samples(address), name, labels)?.value;
  }

  /** In Postgres, over the container's own socket; as the superuser unless told. */
  sql(statement: string, user = "postgres"): Promise<string> {
    const psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", `mem0_${this.stack}`];
    return docker("exec", this.container("postgres"), ...psql, "-c", statement);
  }

  cypher(statement: string): Promise<unknown[][]> {
    return cypher(this.manifest, statement);
  }

  /** What a Prometheus answers under its API; the stack's own unless told. */
  async prometheus<T>(route: string, port = this.ports.prometheus): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${route}`);
    return ((await response.json()) as { data: T }).data;
  }

  /** The stack's scrape as a Prometheus has it; the stack's own unless told. */
  async target(port?: number): Promise<Target | undefined> {
    const { activeTargets } = await this.prometheus<{ activeTargets: Target[] }>("targets", port);
    return activeTargets.find(({ labels }) => labels.job === "mem0-metrics");
  }

  /** Finite values of an expression now, as the stack's own Prometheus answers. */
  async ask(expr: string): Promise<number[]> {
    const { result } = await this.prometheus<{ result: { value: [number, string] }[] }>(
      `query?${new URLSearchParams({ query: expr })}`,
    );
    return result.map(({ value }) => Number(value[1])).filter(Number.isFinite);
  }

  /** Somebody who remembers and recalls again and again, until told to stop. */
  startTraffic(): () => Promise<void> {
    let wanted = true;
    const client = this.deployed.server;
    const work = async () => {
      for (let round = 1; wanted; round++) {
        await client.remember(`I have read book number ${round}`, "reader");
        await client.recall("what have I read?", "reader", 3);
        await delay(1_000);
      }
    };
    const running = work();
    // Told when it is stopped, at the latest.
    running.catch(() => {});
    return () => {
      wanted = false;
      return running;
    };
  }

  /** What an exporter on the host would be told; it cannot reach the server's own metrics. */
  get hostSettings(): Settings {
    const { manifest, directory } = this.deployed;
    const other: Manifest = {
      ...manifest,
      observability: { exporter: "host", exporterPort: 0, hosts: ["127.0.0.1"], job: "j", backupRuns: 2 },
      services: {
        ...manifest.services,
        server: {
          container: "",
          image: "",
          ports: { http: this.ports.server ?? 0, metrics: this.ports.server ?? 0 },
        },
      },
    };
    return hostExporterSettings(new DeployedStack(other, directory));
  }

  /** Runs an exporter in this process on the real stores, with some settings other than they should be. */
  async withExporter(other: Partial<Settings>, use: (address: string) => Promise<void>): Promise<void> {
    const exporter = await startExporter({ ...this.hostSettings, ...other }, "127.0.0.1");
    try {
      await use(`http://127.0.0.1:${exporter.port}`);
    } finally {
      await exporter.close();
    }
  }
}
