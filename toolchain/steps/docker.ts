import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../../ops/base/problem.ts";
import { listManifests } from "../../ops/stack/manifest-file.ts";
import { currentContext } from "../docker-context.ts";
import { type Engine, enginePlaces, findEngine } from "../engine.ts";
import { stateLayout } from "../layout.ts";
import { run } from "../run.ts";
import { type Host, type Part, type Report, SETUP, type Step } from "./step.ts";

const NAME = "Docker";

/** dockerd answers after about a second; on a slow, busy machine its first start takes longer. */
const START_MS = 60_000;

/** Where Debian, Docker's own packages and the static archive put the daemon. */
const findDaemon = () => ["/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/local/bin/dockerd"].find(existsSync);

/** The engine that the stack runs on. Set-up uses the one that is there, and installs one only as root on Linux. */
export const docker: Step = {
  name: NAME,

  async inspect(host): Promise<Part> {
    const engine = await locateEngine(host);
    switch (engine.state) {
      case "there":
        return {
          name: NAME,
          state: "there",
          version: engine.version,
          way: "found",
          detail: `${engine.kind}, API ${engine.apiVersion}, ${engine.host}`,
        };
      case "wrong":
        return { name: NAME, state: "wrong", detail: `${engine.reason} (${engine.host})`, mend: engine.mend };
      case "missing":
        return { name: NAME, state: "missing", detail: "no Docker engine answers", mend: howToGet(host) };
    }
  },

  async ensure(host, report): Promise<void> {
    const engine = await locateEngine(host);
    if (engine.state === "wrong") {
      throw new Problem(engine.reason, { where: engine.host, mend: engine.mend });
    }
    if (!isOurs(host)) throw new Problem("no Docker engine answers", { mend: howToGet(host) });
    if (findDaemon() === undefined) await install(host, report);
    if ((await locateEngine(host)).state !== "there") await start(host, report);
  },
};

export function locateEngine({ platform, env, user, stateHome }: Host): Promise<Engine> {
  const known = { deployed: deployedEngines(stateHome), context: currentContext(env, user.home) };
  return findEngine(enginePlaces(platform, env, user.home, known), { uid: user.uid, platform });
}

/** Where each stack of this machine was deployed. A manifest that cannot be read is the business of the stack's verbs. */
function deployedEngines(stateHome: string): Record<string, string> {
  try {
    return Object.fromEntries(listManifests(stateHome).map(({ stack, dockerHost }) => [stack, dockerHost]));
  } catch (error) {
    if (error instanceof Problem) return {};
    throw error;
  }
}

function isOurs({ platform, user }: Host): boolean {
  return platform === "linux" && user.uid === 0;
}

function howToGet(host: Host): string {
  if (isOurs(host)) return SETUP;
  if (host.platform === "darwin") {
    return "start Docker Desktop, OrbStack or colima; or install one: brew install --cask orbstack";
  }
  if (findDaemon() !== undefined) return "sudo systemctl start docker";
  return 'sudo sh -c "apt-get update && apt-get install -y docker.io" && sudo usermod -aG docker "$USER", then log in again';
}

async function install({ platform }: Host, report: Report): Promise<void> {
  if (platform !== "linux" || !existsSync("/usr/bin/apt-get")) {
    throw new Problem("Docker is not here, and this is no Debian or Ubuntu to install it on", {
      mend: `install Docker Engine 20.10 or newer with your system's package manager, then: ${SETUP}`,
    });
  }
  // The command line is a package of its own since Debian 13; the program does without it, its users do not.
  await installPackages(["docker.io", "iptables"], report, ["docker-cli"]);
}

/**
 * Installs Debian packages; waits for another apt that is at work.
 *
 * @param wished packages that are installed as well where this release of Debian has them
 */
export async function installPackages(
  packages: readonly string[],
  report: Report,
  wished: readonly string[] = [],
): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  report(`apt-get install ${packages.join(" ")}`);
  await run("apt-get", ["update", "-q"], { env, registry: "Debian" });
  const known = wished.length === 0 ? "" : await run("apt-cache", ["pkgnames"]);
  const there = wished.filter((name) => known.split("\n").includes(name));
  await run(
    "apt-get",
    [..."install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300".split(" "), ...packages, ...there],
    { env, registry: "Debian" },
  );
}

async function start(host: Host, report: Report): Promise<void> {
  if (existsSync("/run/systemd/system")) {
    report("systemctl enable --now docker");
    await run("systemctl", ["enable", "--now", "docker"]);
    return untilAnswering(host, "journalctl -u docker", () => undefined);
  }
  const { engineLog } = stateLayout(host.stateHome);
  report(`starting dockerd, log in ${engineLog}`);
  const exit = startDetached(findDaemon() ?? "dockerd", [], engineLog);
  await untilAnswering(host, engineLog, exit);
}

/**
 * Starts a daemon that outlives this process and its terminal.
 *
 * @returns a function that tells the daemon's exit code once it has ended
 */
export function startDetached(
  command: string,
  args: readonly string[],
  log: string,
): () => number | undefined {
  mkdirSync(path.dirname(log), { recursive: true, mode: 0o700 });
  const output = openSync(log, "a", 0o600);
  let ended: number | undefined;
  const daemon = spawn(command, args, { detached: true, stdio: ["ignore", output, output] });
  daemon.on("exit", (code) => {
    ended = code ?? -1;
  });
  daemon.on("error", () => {
    ended = -1;
  });
  daemon.unref();
  closeSync(output);
  return () => ended;
}

async function untilAnswering(host: Host, log: string, exit: () => number | undefined): Promise<void> {
  const deadline = Date.now() + START_MS;
  while ((await locateEngine(host)).state !== "there") {
    if (exit() === undefined && Date.now() < deadline) {
      await sleep(250);
      continue;
    }
    throw new Problem(`dockerd does not start:\n${lastErrors(log)}`, {
      where: log,
      mend: `see the log, mend what it names, then: ${SETUP}`,
    });
  }
}

function lastErrors(log: string): string {
  if (!existsSync(log)) return "";
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  const errors = lines.filter((line) => /level=(error|fatal)|failed/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-5).join("\n");
}
