import { describe, expect, it } from "vitest";
import { enginePlaces, findEngine } from "../../../toolchain/engine.ts";

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
});
