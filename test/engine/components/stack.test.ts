import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../../config/manifest.ts";
import { connectDocker } from "../../../ops/docker/client.ts";
import { execInContainer } from "../../../ops/docker/command.ts";
import { jobStates } from "../../../ops/schedules/report.ts";
import { deleteStack } from "../../../ops/stack/deletion.ts";
import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { type Changes, deploy, removeContainers } from "../../../ops/stack/deployment.ts";
import { readManifest } from "../../../ops/stack/manifest-file.ts";
import { ask, requestsFromElsewhere, WEBSOCKET } from "../../harness/support/asking.ts";
import { cypher } from "../../harness/support/cypher.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { formerProgram } from "../../harness/support/former-program.ts";
import { needing } from "../../harness/support/needing.ts";
import { makeProject, type Project } from "../../harness/support/project.ts";
import { JOBS_OF_EACH_MINUTE, RealCron } from "../../harness/support/real-cron.ts";
import { unmet } from "../../runner/needs.ts";

/** Groups of settings for a small stack whose ports begin at `firstPort`. */
function small(firstPort: number) {
  return {
    model: { provider: "embedded" },
    network: { hostNames: ["mac.tail1234.ts.net"] },
    ports: {
      server: firstPort,
      postgres: firstPort + 1,
      neo4jHttp: firstPort + 2,
      neo4jBolt: firstPort + 3,
      exporter: firstPort + 4,
      prometheus: firstPort + 5,
    },
  };
}

const ALL = ["postgres", "neo4j", "model", "server", "metrics_exporter", "prometheus", "gate"];

describe("a stack on the real engine", () => {
  let project: Project;
  const stack = "engine";
  const hasCron = unmet("cron") === undefined;
  let cron: RealCron | undefined;
  const groups = { ...small(28100), ...(hasCron ? { schedule: JOBS_OF_EACH_MINUTE } : {}) };
  const lines: string[] = [];
  const report = (line: string) => lines.push(line);
  const up = () => deploy(project.context(stack), report);
  const docker = () => connectDocker(project.context(stack).dockerHost);
  const manifest = (): Manifest => readManifest(project.stateHome, stack);
  const container = (service: string) => manifest().services[service]?.container ?? "";
  const idOf = async (service: string) => (await docker().getContainer(container(service)).inspect()).Id;
  const ids = async () =>
    Object.fromEntries(
      await Promise.all(
        ["postgres", "neo4j", "model", "server"].map(
          async (service) => [service, await idOf(service)] as const,
        ),
      ),
    );
  const sql = async (statement: string) => {
    const { database } = manifest();
    const command = ["psql", "-XAt", "-U", database.user, "-d", database.name, "-c", statement];
    const { exitCode, stdout, stderr } = await execInContainer(docker(), container("postgres"), command);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const graph = (statement: string) => cypher(manifest(), statement);

  const configureSecond = () =>
    project.configure("second", {
      ...small(28200),
      // The version before knows no host names.
      network: {},
      observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    });
  const stackFile = (directory: string) => path.join(directory, "Pulumi.second.yaml");
  /** What may not be another after an update: volumes by when they were made, secrets, identity, data. */
  const whatStays = async ({ stores, secretFiles, instanceId, database }: Manifest) => {
    // Those that this stack has: there is no Grafana and no Prometheus.
    const names = [stores.postgres ?? "", stores.neo4j ?? "", stores.data ?? ""];
    const volumes = names.map((name) => docker().getVolume(name).inspect());
    const secrets = Object.entries(secretFiles).map(([name, file]) => [name, readFileSync(file, "utf8")]);
    const query = `SELECT id, payload FROM ${database.collection}`;
    const psql = ["psql", "-XAt", "-U", database.user, "-d", database.name, "-c", query];
    return {
      instanceId,
      secrets: Object.fromEntries(secrets),
      volumes: Object.fromEntries(
        (await Promise.all(volumes)).map((volume) => [
          volume.Name,
          (volume as { CreatedAt?: string }).CreatedAt,
        ]),
      ),
      memories: (await execInContainer(docker(), "mem0_postgres_second", psql)).stdout,
    };
  };

  beforeAll(async () => {
    project = makeProject("stack");
    if (hasCron) cron = new RealCron();
    project.configure(stack, groups);
    await up();
  });

  afterAll(async () => {
    for (const name of [stack, "second"]) {
      if (!existsSync(path.join(project.stateHome, "stacks", name, "manifest.json"))) continue;
      await deleteStack(project.context(name), DeployedStack.read(project.stateHome, name), () => {});
    }
    project.remove();
    cron?.stop();
  });

  it("comes up with every container healthy", async () => {
    for (const service of ALL) {
      const { State } = await docker().getContainer(container(service)).inspect();
      expect(State.Health?.Status, service).toBe("healthy");
    }
  });

  it("changes nothing when nothing has changed: not at up, not at preview, not at refresh", async () => {
    const changed = (changes: Changes) => Object.keys(changes).filter((op) => op !== "same");
    expect(changed(await up())).toEqual([]);
    const options = { cwd: project.directory, env: project.env };
    await execa("pulumi", ["preview", "--stack", stack, "--refresh", "--expect-no-changes"], options);
    await execa("pulumi", ["refresh", "--stack", stack, "--preview-only", "--expect-no-changes"], options);
  });

  it.each(["exporter", "prometheus", "neo4jHttp"] as const)(
    "answers at the port of %s only to allowed names and to pages of its own",
    async (key) => {
      const port = small(28100).ports[key];
      for (const [headers, wanted] of requestsFromElsewhere(port)) {
        const answer = await ask(port, "/", headers);
        const status = wanted === "answered" ? expect.toSatisfy((seen) => seen < 400) : wanted;
        expect(answer.status, JSON.stringify(headers)).toEqual(status);
        expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
        expect(answer.headers).toMatchObject({
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "cross-origin-resource-policy": "same-origin",
        });
      }
    },
  );

  it("lets Bolt's port speak to programs, and in a browser to the pages of Neo4j's own alone", async () => {
    const { neo4jBolt: port, neo4jHttp } = small(28100).ports;
    const upgrade = (headers: Record<string, string>) => ask(port, "/", { ...WEBSOCKET, ...headers });
    expect((await upgrade({ origin: `http://127.0.0.1:${neo4jHttp}` })).status).toBe(101);
    expect((await upgrade({ origin: "https://elsewhere.example" })).status).toBe(403);
    expect((await upgrade({ origin: `http://127.0.0.1:${port}` })).status).toBe(403);
    expect((await upgrade({ host: "rebound.example" })).status).toBe(421);
    const { neo4j } = DeployedStack.read(project.stateHome, stack);
    expect((await neo4j.executeQuery("RETURN 1 AS one")).records).toHaveLength(1);
    await neo4j.close();
  });

  it("shows nobody what Prometheus holds in memory, how it is set up, or how to change that", async () => {
    const { prometheus: port } = small(28100).ports;
    const hidden = [
      ...["/debug/pprof/", "/debug/pprof/heap", "/config", "/flags", "/service-discovery"],
      ...["/classic/config", "/classic/flags", "/classic/service-discovery"],
      ...["/api/v1/status/config", "/api/v1/status/flags", "/api/v1/status/%63onfig"],
      ...["//api/v1/status/config", "/api/v1/./status/config", "/graph/../config"],
      ...["/-/reload", "/-/quit", "/api/v1/admin/tsdb/snapshot"],
    ];
    for (const path of hidden) expect((await ask(port, path)).status, path).toBe(403);
    expect((await ask(port, "/api/v1/query?query=up")).status).toBe(200);
    // Without the gate before it too.
    const config =
      "exec 3<>/dev/tcp/127.0.0.1/9090; printf 'GET /api/v1/query?query=up HTTP/1.0\\r\\nOrigin: http://a\\r\\n\\r\\n' >&3; cat <&3";
    const { stdout } = await execInContainer(docker(), container("prometheus"), ["bash", "-c", config]);
    expect(stdout).toMatch(/^HTTP\/1\.0 200/);
    expect(stdout).not.toMatch(/access-control-allow-origin/i);
  });

  it("has pages that load nothing from another origin", async () => {
    const { exporter, prometheus, neo4jHttp } = small(28100).ports;
    for (const [port, path] of [
      [exporter, "/"],
      [exporter, "/runbook"],
      [prometheus, "/graph"],
      [neo4jHttp, "/browser/"],
    ] as const) {
      const policy = String((await ask(port, path)).headers["content-security-policy"]);
      expect(policy).toMatch(/default-src '(none|self)'/);
      expect(policy).toContain("frame-ancestors 'none'");
      // Beside the names that the settings allow.
      expect(policy.replaceAll("wss://mac.tail1234.ts.net:*", "")).not.toMatch(
        /https?:|\.(com|io|net|org)\b/,
      );
    }
  });

  it("lets no container out that needs nothing from outside, not even a question for a name", async () => {
    const resolver = /^nameserver (\d+\.\d+\.\d+\.\d+)$/m.exec(readFileSync("/etc/resolv.conf", "utf8"))?.[1];
    const script = [
      `timeout 2 bash -c 'exec 3<>/dev/tcp/${resolver ?? "192.0.2.1"}/53' 2>/dev/null && echo reached`,
      "timeout 2 getent hosts mem0.example.com && echo named",
      "getent hosts postgres >/dev/null && echo neighbours",
      "true",
    ].join("; ");
    const said = await Promise.all(
      ALL.map((service) => execInContainer(docker(), container(service), ["bash", "-c", script])),
    );
    expect(said.map(({ stdout }) => stdout.trim())).toEqual(ALL.map(() => "neighbours"));
    const { network } = manifest();
    expect((await docker().getNetwork(network).inspect()).Internal).toBe(true);
  });

  it("is not locked out of its own graph by somebody's wrong passwords", async () => {
    const { neo4jHttp: port } = small(28100).ports;
    const login = async (password: string) => {
      const authorization = `Basic ${Buffer.from(`neo4j:${password}`).toString("base64")}`;
      return (await ask(port, "/db/neo4j/tx/none", { authorization })).status;
    };
    for (let guess = 0; guess < 8; guess++) expect(await login(`wrong-${guess}`)).toBe(401);
    expect(await login(readFileSync(manifest().secretFiles.neo4j_password ?? "", "utf8").trim())).not.toBe(
      401,
    );
  });

  it("keeps what is stored out of the log of Postgres when a statement fails", async () => {
    await sql("CREATE TABLE twice (word text PRIMARY KEY); INSERT INTO twice VALUES ('a hidden word')");
    await expect(sql("INSERT INTO twice VALUES ('a hidden word')")).rejects.toThrow("a hidden word");
    await sql("DROP TABLE twice");
    const { stdout, stderr } = await execa("docker", ["logs", container("postgres")]);
    expect(stdout + stderr).toContain("duplicate key value violates unique constraint");
    expect(stdout + stderr).not.toContain("a hidden word");
  });

  it("keeps secrets out of the state in clear and out of `docker inspect`", async () => {
    const { stdout: state } = await execa("pulumi", ["stack", "export", "--stack", stack], {
      cwd: project.directory,
      env: project.env,
    });
    const inspected = JSON.stringify(
      await Promise.all(
        ["postgres", "neo4j", "model", "server"].map((service) =>
          docker().getContainer(container(service)).inspect(),
        ),
      ),
    );
    const { secretFiles } = manifest();
    const passwords = ["metrics_password", "neo4j_password", "postgres_password"];
    const names = ["api_key", "api_keys", ...passwords, "seal_key"];
    expect(Object.keys(secretFiles).sort()).toEqual(names);
    const texts = Object.values(secretFiles).map((file) => readFileSync(file, "utf8"));
    // A file of keys also holds their names and roles, which are words of everyday.
    const secrets = texts.flatMap((text) => text.split(/\s+/).filter((word) => word.length >= 32));
    expect(secrets).toHaveLength(names.length);
    const written = readFileSync(path.join(project.stateHome, "stacks", stack, "manifest.json"), "utf8");
    for (const secret of secrets) {
      for (const text of [state, inspected, written]) expect(text).not.toContain(secret);
    }
  });

  it("replaces just the container whose settings changed, and the one whose image has another source", async () => {
    const before = await ids();
    project.configure(stack, { ...groups, resources: { postgres: { memoryMb: 768 } } });
    const dockerfile = path.join(project.directory, "services/model/Dockerfile");
    writeFileSync(dockerfile, `${readFileSync(dockerfile, "utf8")}\nLABEL changed-by-test=true\n`);
    const image = manifest().services.model?.image;
    await up();
    const after = await ids();
    expect(after.postgres).not.toBe(before.postgres);
    expect(after.model).not.toBe(before.model);
    expect(after.neo4j).toBe(before.neo4j);
    expect(manifest().services.model?.image).not.toBe(image);
  });

  it("brings back a container and a secret file that a hand removed", async () => {
    await docker().getContainer(container("model")).remove({ force: true });
    const key = manifest().secretFiles.api_key ?? "";
    const secret = readFileSync(key, "utf8");
    rmSync(key);
    await up();
    expect((await docker().getContainer(container("model")).inspect()).State.Running).toBe(true);
    expect(readFileSync(key, "utf8")).toBe(secret);
  });

  needing("cron").it(
    "has cron run its jobs from a copy of the program, which tell how they went",
    async () => {
      const states = () => jobStates(DeployedStack.read(project.stateHome, stack), new Date());
      await waitFor("both jobs have run", async () =>
        (await states()).every(({ record }) => record?.run?.ended),
      );
      const [logs, verify] = (await states()).sort((a, b) => a.job.localeCompare(b.job));
      expect(logs).toMatchObject({ unitFault: undefined, record: { run: { exit: 0, cause: "time" } } });
      const reason = expect.stringContaining("there is no backup to verify");
      expect(verify).toMatchObject({ unitFault: undefined, record: { run: { exit: 1, reason } } });
      const output = path.join(project.stateHome, "stacks", stack, "log", "schedule", "verify.out");
      expect(readFileSync(output, "utf8")).toBe("");
      expect(cron?.crontab?.subarray(0, cron.foreign.length)).toEqual(cron?.foreign);
    },
  );

  it("refuses a plain `pulumi destroy`, keeps all through down and an up killed in the middle, and converges at the next", async () => {
    await sql("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('bees')");
    await graph("CREATE (:Kept {word: 'roof'})");
    const { instanceId } = manifest();
    const options = { cwd: project.directory, env: project.env, reject: false };
    const refused = await execa("pulumi", ["destroy", "--stack", stack, "--yes", "--skip-preview"], options);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("protect");

    await removeContainers(project.context(stack), report);
    expect(cron?.crontab).toEqual(cron?.foreign);
    // The version before, which comes below, reads no manifest that names jobs.
    project.configure(stack, small(28100));
    await expect(docker().getContainer(container("postgres")).inspect()).rejects.toMatchObject({
      statusCode: 404,
    });
    // Postgres exists, the server does not: the middle of the deployment.
    const child = spawn("pulumi", ["up", "--stack", stack, "--yes", "--skip-preview"], {
      cwd: project.directory,
      env: { ...process.env, ...project.env },
      stdio: "ignore",
      detached: true,
    });
    await waitFor("a container of the stack", async () => {
      const seen = await docker().listContainers({ all: true, filters: { label: [`mem0.stack=${stack}`] } });
      return seen.length > 0;
    });
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await waitFor("the killed run is gone", async () => child.exitCode !== null || child.signalCode !== null);
    await up();
    expect(await sql("SELECT word FROM kept")).toBe("bees");
    expect(await graph("MATCH (n:Kept) RETURN n.word")).toEqual([["roof"]]);
    expect(manifest().instanceId).toBe(instanceId);
    expect(Object.keys(await up())).toEqual(["same"]);
  });

  it("refuses a port that something listens on, before anything changes", async () => {
    const before = await ids();
    const listener = net.createServer().listen(28190, "127.0.0.1");
    try {
      project.configure(stack, { ...small(28100), ports: { ...small(28100).ports, server: 28190 } });
      await expect(up()).rejects.toThrow("mem0:ports.server: something on this host listens on 28190");
    } finally {
      listener.close();
      project.configure(stack, small(28100));
    }
    expect(await ids()).toEqual(before);
  });

  it("refuses another embedder on stored data", async () => {
    const compatible = {
      provider: "openai-compatible",
      baseUrl: "http://127.0.0.1:1/v1",
      llm: "a",
      embedder: "b",
    };
    project.configure(stack, { ...small(28100), model: { ...compatible, dimensions: 768 } });
    await expect(up()).rejects.toThrow(
      "mem0:model.embedder: is b, but this stack was deployed with mem0-embedded",
    );
    project.configure(stack, small(28100));
  });

  needing("history").it(
    "is taken over by up from the version before, which loses and replaces no data",
    async () => {
      const server = () => DeployedStack.read(project.stateHome, "second").server;
      const former = await formerProgram(project);
      configureSecond();
      cpSync(stackFile(project.directory), stackFile(former));
      await deploy({ ...project.context("second"), checkout: former }, report);
      cpSync(stackFile(former), stackFile(project.directory));
      const asDeployed = readManifest(project.stateHome, "second");
      await server().remember("I keep bees", "anna");
      const before = await whatStays(asDeployed);
      expect(before.memories).toMatch(/bees/);

      const changes = await deploy(project.context("second"), report);
      const takenOver = readManifest(project.stateHome, "second");
      expect(changes.replace).toBeGreaterThan(0);
      expect((await docker().getNetwork(takenOver.network).inspect()).Internal).toBe(true);
      const { seal_key: made, ...secretFiles } = takenOver.secretFiles;
      expect(await whatStays({ ...takenOver, secretFiles })).toEqual(before);
      expect(statSync(made ?? "").mode & 0o777, "the key that seals backups is new").toBe(0o600);
      const found = await server().recall("which animals?", "anna", 1);
      expect(found).toHaveLength(1);
    },
  );

  it("runs beside a second stack, which shares nothing with it but the images", async () => {
    const before = await ids();
    configureSecond();
    await deploy(project.context("second"), report);
    const second = readManifest(project.stateHome, "second");
    expect(second.instanceId).not.toBe(manifest().instanceId);
    expect(await ids()).toEqual(before);
    expect(second.services.postgres?.image).toBe(manifest().services.postgres?.image);
  });

  it("is deleted with all its data only on purpose", async () => {
    const deployed = DeployedStack.read(project.stateHome, "second");
    const second = deployed.manifest;
    await deleteStack(project.context("second"), deployed, report);
    await expect(
      docker()
        .getVolume(second.stores.postgres ?? "")
        .inspect(),
    ).rejects.toMatchObject({ statusCode: 404 });
    expect(existsSync(path.join(project.stateHome, "stacks", "second"))).toBe(false);
    expect(await sql("SELECT word FROM kept")).toBe("bees");
  });
});
