import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import type { Manifest } from "../../../config/manifest.ts";
import { Problem } from "../../../ops/base/problem.ts";
import { withDocker } from "../../../ops/docker/client.ts";
import { startDetached } from "../../../toolchain/steps/docker.ts";
import { waitFor } from "../support/eventually.ts";

/** Where the engine of Linux writes its process id, unless told otherwise. */
const PID_FILE = "/var/run/docker.pid";

/** Stops this machine's Docker engine, and with it all containers, or kills it alone; then starts it as it was started. */
export async function restartEngine(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (existsSync("/run/systemd/system")) {
    await execa("systemctl", ["kill", "--kill-whom=main", `--signal=${signal}`, "docker"]);
    await waitFor("the Docker engine to end", async () => !(await answers()));
    await execa("systemctl", ["start", "docker"]);
  } else {
    const pid = Number(readFileSync(PID_FILE, "utf8"));
    const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    // Its containerd dies after it; an engine that starts meanwhile waits for that one in vain.
    const { stdout: children } = await execa("pgrep", ["--parent", String(pid)], {
      reject: false,
      lines: true,
    });
    process.kill(pid, signal);
    const gone = [pid, ...children].map((id) => `/proc/${id}`);
    await waitFor("the Docker engine to end", async () => !gone.some(existsSync));
    startDetached(command, args, path.join(os.tmpdir(), "restarted-dockerd.log"));
  }
  await waitFor("the Docker engine to answer", answers);
}

/**
 * Looks whether only the stack would suffer from a restart of the engine.
 *
 * @throws Problem that names the containers of others
 */
export async function requireEngineAlone({ dockerHost, services }: Manifest): Promise<void> {
  const ours = Object.values(services).map(({ container }) => `/${container}`);
  const running = await withDocker(dockerHost, (docker) => docker.listContainers());
  const others = running.flatMap(({ Names }) => Names).filter((name) => !ours.includes(name));
  if (others.length === 0) return;
  throw new Problem(`this engine runs containers of others too: ${others.join(", ")}`, {
    where: dockerHost,
    mend: "stop them, or take a machine that runs nothing but the stack",
  });
}

async function answers(): Promise<boolean> {
  return (await execa("docker", ["version"], { reject: false })).exitCode === 0;
}
