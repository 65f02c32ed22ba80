import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import type { Manifest } from "../config/manifest.ts";
import { connectDocker } from "../ops/docker/client.ts";
import { deleteStack } from "../ops/stack/deletion.ts";
import { DeployedStack } from "../ops/stack/deployed-stack.ts";
import { deploy } from "../ops/stack/deployment.ts";
import { stackStatus } from "../ops/stack/status.ts";
import { table } from "../scripts/cli/table.ts";
import { makeProject, type Project } from "../test/harness/support/project.ts";

/**
 * What the foundation costs, beside what a user would run instead: `./mem0 bench foundation` on a machine that is set
 * up. Needs Debian's docker-compose for the comparison. Prints medians of REPEATS runs.
 */
const STACK = "bench";
const REPEATS = 5;
const FIRST_PORT = 28400;

const project = makeProject("foundation");
const options = { cwd: project.directory, env: project.env };
project.configure(STACK, {
  model: { provider: "embedded" },
  ports: {
    server: FIRST_PORT,
    postgres: FIRST_PORT + 1,
    neo4jHttp: FIRST_PORT + 2,
    neo4jBolt: FIRST_PORT + 3,
    exporter: FIRST_PORT + 4,
    prometheus: FIRST_PORT + 5,
  },
});
try {
  console.log("deploying a stack of its own ...");
  await deploy(project.context(STACK), () => {});
  const deployed = DeployedStack.read(project.stateHome, STACK);

  const preview = await median(() =>
    execa("pulumi", ["preview", "--stack", STACK, "--expect-no-changes"], options),
  );
  const program = await median(() => runProgramAlone(project));
  const up = await median(() =>
    execa("pulumi", ["up", "--stack", STACK, "--yes", "--skip-preview"], options),
  );
  const empty = await median(await emptyProgram(project));
  const compose = await composeUp(deployed.manifest);
  const memory = await idleMemory(deployed);

  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  console.log(
    table(
      ["measure", "result", "goal"],
      [
        ["no-op pulumi preview", seconds(preview), "<= 6 s"],
        ["of it the program: loading, settings, preflight, hashes", seconds(program), "<= 1.5 s"],
        ["no-op pulumi up", seconds(up), ""],
        ["the engine's fixed start: no-op up of an empty program", seconds(empty), ""],
        ["no-op docker-compose up -d of the same containers", seconds(compose), ""],
        ["(up - fixed start) / compose", ((up - empty) / compose).toFixed(2), "<= 2"],
        ["idle memory of the stack", `${(memory / 1024 ** 3).toFixed(2)} GiB`, "<= 2 GiB"],
      ],
    ),
  );
} finally {
  const context = project.context(STACK);
  await deleteStack(context, DeployedStack.read(project.stateHome, STACK), () => {});
  project.remove();
}

async function median(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? Number.NaN;
}

/** Everything index.ts does before it declares a resource. */
async function runProgramAlone({ directory, env }: Project): Promise<void> {
  const probe = `
    import os from "node:os";
    await import("${directory}/components/stack.ts");
    const { readMachine } = await import("${directory}/ops/stack/machine-file.ts");
    const { parseSettings } = await import("${directory}/config/settings.ts");
    const { buildContexts } = await import("${directory}/components/build-context.ts");
    const { gatherHostFacts } = await import("${directory}/ops/stack/host-facts.ts");
    const { preflight } = await import("${directory}/ops/stack/preflight.ts");
    const machine = readMachine("${directory}");
    const config = { model: '{"provider":"embedded"}', ports: '{"server":28410}' };
    const parsed = parseSettings("probe", config, { ...machine, home: os.homedir() });
    preflight(parsed.settings, await gatherHostFacts(parsed.settings, machine.stateHome));
    buildContexts("${directory}", machine.baseImage);`;
  await execa("node", ["--input-type=module", "--eval", probe], { cwd: directory, env });
}

/** The engine and its language host with nothing to do; returns how to run it. */
async function emptyProgram({ directory, env }: Project): Promise<() => Promise<unknown>> {
  const cwd = path.join(directory, "empty");
  mkdirSync(cwd);
  writeFileSync(path.join(cwd, "Pulumi.yaml"), "name: empty\nruntime: nodejs\nmain: index.js\n");
  writeFileSync(path.join(cwd, "index.js"), "");
  await execa("pulumi", ["stack", "init", "empty"], { cwd, env });
  return () => execa("pulumi", ["up", "--stack", "empty", "--yes", "--skip-preview"], { cwd, env });
}

/** Time of a second `docker-compose up -d` of containers with the same images, limits, mounts and health checks. */
async function composeUp(manifest: Manifest): Promise<number> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-compose-"));
  const docker = connectDocker(manifest.dockerHost);
  const services: Record<string, unknown> = {};
  const volumes: Record<string, unknown> = {};
  for (const [name, { container, image }] of Object.entries(manifest.services)) {
    const { Config, HostConfig } = await docker.getContainer(container).inspect();
    const mounts = HostConfig.Mounts ?? [];
    for (const { Type, Source } of mounts) if (Type === "volume") volumes[Source] = { external: true };
    services[name] = {
      image,
      ...(Config.Cmd === null ? {} : { command: Config.Cmd }),
      environment: Config.Env,
      user: Config.User,
      read_only: true,
      cap_drop: ["ALL"],
      mem_limit: HostConfig.Memory,
      cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
      tmpfs: Object.entries(HostConfig.Tmpfs ?? {}).map(([target, mode]) => `${target}:${mode}`),
      // The databases must not be opened twice: the containers are made with the same mounts, and do nothing.
      entrypoint: ["sleep", "infinity"],
      volumes: mounts.map(
        ({ Source, Target, ReadOnly }) => `${Source}:${Target}${ReadOnly === true ? ":ro" : ""}`,
      ),
    };
  }
  writeFileSync(path.join(directory, "docker-compose.yml"), stringify({ version: "2.4", services, volumes }));
  const run = () => execa("docker-compose", ["up", "-d"], { cwd: directory });
  try {
    await run();
    return await median(run);
  } finally {
    await execa("docker-compose", ["down", "-t", "1"], { cwd: directory, reject: false });
  }
}

async function idleMemory(deployed: DeployedStack): Promise<number> {
  const { services } = await stackStatus(deployed);
  return services.reduce((total, { memoryBytes }) => total + (memoryBytes ?? 0), 0);
}
