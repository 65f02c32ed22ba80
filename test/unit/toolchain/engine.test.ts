import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { currentContext } from "../../../toolchain/docker-context.ts";
import { type EngineUser, enginePlaces, findEngine, type Place } from "../../../toolchain/engine.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";

const LINUX: EngineUser = { uid: 1000, platform: "linux" };

const kinds = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv = {}) =>
  enginePlaces(platform, env, "/home/ann").map(({ kind, host }) => `${kind} ${host}`);

describe("an engine is looked for", () => {
  it("on macOS at the sockets of Docker Desktop, OrbStack and colima", () => {
    expect(kinds("darwin")).toEqual([
      "Docker Desktop unix:///home/ann/.docker/run/docker.sock",
      "OrbStack unix:///home/ann/.orbstack/run/docker.sock",
      "colima unix:///home/ann/.colima/default/docker.sock",
      "Docker Engine unix:///var/run/docker.sock",
    ]);
  });

  it("on Linux at the system's socket first", () => {
    expect(kinds("linux")[0]).toBe("Docker Engine unix:///var/run/docker.sock");
  });

  it("first where stacks were deployed, then where Docker's command line goes, and at each place once", () => {
    const orbStack = "unix:///home/ann/.orbstack/run/docker.sock";
    const deployed = { prd: orbStack, test: orbStack };
    const places = enginePlaces("darwin", {}, "/home/ann", { deployed, context: "unix:///lima.sock" });
    expect(places.map(({ kind, host, stacks = [] }) => [kind, host, ...stacks].join(" "))).toEqual([
      `OrbStack ${orbStack} prd test`,
      "Docker unix:///lima.sock",
      "Docker Desktop unix:///home/ann/.docker/run/docker.sock",
      "colima unix:///home/ann/.colima/default/docker.sock",
      "Docker Engine unix:///var/run/docker.sock",
    ]);
  });

  it("nowhere but at DOCKER_HOST when that is set", () => {
    expect(kinds("darwin", { DOCKER_HOST: "unix:///x.sock" })).toEqual(["DOCKER_HOST unix:///x.sock"]);
    expect(kinds("linux", { DOCKER_HOST: "" })).toEqual(kinds("linux"));
  });

  it("and started as usual when DOCKER_HOST names the system's own socket", () => {
    expect(kinds("linux", { DOCKER_HOST: "unix:///var/run/docker.sock" })).toEqual([
      "Docker Engine unix:///var/run/docker.sock",
    ]);
  });
});

describe("an engine", () => {
  it("on another machine is refused, since secrets and backups are files of this one", async () => {
    const engine = await findEngine(enginePlaces("linux", { DOCKER_HOST: "tcp://10.0.0.1:2375" }, "/root"), {
      ...LINUX,
      uid: 0,
    });
    expect(engine).toMatchObject({
      state: "wrong",
      reason: expect.stringContaining("not a socket of this machine"),
    });
  });

  it("that DOCKER_HOST names and that does not answer is an error, not a reason to install one", async () => {
    const engine = await findEngine(enginePlaces("linux", { DOCKER_HOST: "unix:///nowhere.sock" }, "/root"), {
      ...LINUX,
      uid: 0,
    });
    expect(engine).toMatchObject({ state: "wrong", reason: expect.stringContaining("DOCKER_HOST is set") });
  });

  it.each([
    [
      "that is too old",
      { ApiVersion: "1.40", Version: "19.03.15" },
      {},
      "Docker 19.03.15 is too old (API 1.40)",
    ],
    ["that is rootless", {}, { SecurityOptions: ["name=seccomp", "name=rootless"] }, "rootless"],
  ])("%s is refused, with the reason", async (_what, version, info, reason) => {
    const engine = await withEngine({ version, info }, (place) => findEngine([place], LINUX));
    expect(engine).toMatchObject({ state: "wrong", reason: expect.stringContaining(reason) });
  });

  it("that will do is taken, also when another place has one that will not", async () => {
    await withEngine({ version: { ApiVersion: "1.12" } }, (old) =>
      withEngine({}, async (good) => {
        expect(await findEngine([old, good], LINUX)).toEqual({
          state: "there",
          host: good.host,
          kind: "fake",
          version: "28.2.2",
          apiVersion: "1.50",
          dataRoot: "/var/lib/docker",
        });
      }),
    );
  });
});

describe("of two engines", () => {
  it("the one that a stack was deployed on is taken, although another comes before it", async () => {
    await withEngine({}, (usual) =>
      withEngine({}, async (place) => {
        const home = { ...place, stacks: ["prd"] };
        expect(await findEngine([home, usual], LINUX)).toMatchObject({ state: "there", host: home.host });
      }),
    );
  });

  it("the other one is refused while that one is stopped, with both ways out", async () => {
    const stopped = await withEngine({}, async (place) => ({ ...place, kind: "OrbStack", stacks: ["prd"] }));
    await withEngine({}, async (usual) => {
      const engine = await findEngine([stopped, usual], LINUX);
      expect(engine).toMatchObject({ state: "wrong", host: stopped.host });
      if (engine.state !== "wrong") return;
      expect(engine.reason).toMatch(
        /^stack prd was deployed on this engine \(OrbStack\), which does not answer; fake at/,
      );
      expect(engine.mend).toBe(
        `start OrbStack, then: ./mem0 setup; to take the other one all the same: DOCKER_HOST=${usual.host} ./mem0 setup`,
      );
    });
    expect(await findEngine([stopped], LINUX)).toEqual({ state: "missing" });
  });
});

describe("the context of Docker's command line", () => {
  const scratch = scratchDirectory();

  /** As Docker writes it: the folder is the SHA-256 of the name. */
  function writeContext(name: string, folder: string, host: string): void {
    const meta = path.join(scratch.path, ".docker", "contexts", "meta", folder);
    mkdirSync(meta, { recursive: true });
    const context = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } };
    writeFileSync(path.join(meta, "meta.json"), JSON.stringify(context));
  }

  it("names a socket of this machine, by its own choice or by the environment's", () => {
    const [orbStack, far] = [
      "2d89b732b01a00a2d1675ed3cee9fd0f965daadf90603c989dd3afd4569c6896",
      "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868",
    ];
    expect(currentContext({}, scratch.path)).toBeUndefined();
    writeContext("orbstack", orbStack, "unix:///orb.sock");
    writeContext("far", far, "ssh://far");
    expect(currentContext({ DOCKER_CONTEXT: "orbstack" }, scratch.path)).toBe("unix:///orb.sock");
    const config = path.join(scratch.path, ".docker", "config.json");
    writeFileSync(config, JSON.stringify({ auths: {}, currentContext: "orbstack" }));
    expect(currentContext({}, scratch.path)).toBe("unix:///orb.sock");
    expect(currentContext({ DOCKER_CONTEXT: "default" }, scratch.path)).toBeUndefined();
    expect(currentContext({ DOCKER_CONTEXT: "far" }, scratch.path)).toBeUndefined();
    writeFileSync(config, "{");
    expect(currentContext({}, scratch.path)).toBeUndefined();
  });
});

/** Runs `work` while an engine that says this of itself listens on a socket. */
async function withEngine<T>(
  says: { version?: object; info?: object },
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-engine-"));
  const socket = path.join(directory, "docker.sock");
  const server = http.createServer((request, response) => {
    const answer = request.url?.endsWith("/version")
      ? { Version: "28.2.2", ApiVersion: "1.50", ...says.version }
      : { DockerRootDir: "/var/lib/docker", OSType: "linux", SecurityOptions: [], ...says.info };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    return await work({ host: `unix://${socket}`, kind: "fake" });
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  }
}
