import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { enginePlaces, findEngine, type Place } from "../../../toolchain/engine.ts";

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
      uid: 0,
    });
    expect(engine).toMatchObject({
      state: "wrong",
      reason: expect.stringContaining("not a socket of this machine"),
    });
  });

  it("that DOCKER_HOST names and that does not answer is an error, not a reason to install one", async () => {
    const engine = await findEngine(enginePlaces("linux", { DOCKER_HOST: "unix:///nowhere.sock" }, "/root"), {
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
    const engine = await withEngine({ version, info }, (place) => findEngine([place], { uid: 1000 }));
    expect(engine).toMatchObject({ state: "wrong", reason: expect.stringContaining(reason) });
  });

  it("that will do is taken, also when another place has one that will not", async () => {
    await withEngine({ version: { ApiVersion: "1.12" } }, (old) =>
      withEngine({}, async (good) => {
        expect(await findEngine([old, good], { uid: 1000 })).toEqual({
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
