import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExitCode, Problem } from "../../../../ops/base/problem.ts";
import { connectDocker, exitCodeOf } from "../../../../ops/docker/client.ts";
import { whileEngineRuns } from "../../../../ops/docker/engine-watch.ts";
import { DyingEngine } from "../../../harness/support/dying-engine.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
let engine: DyingEngine;

beforeEach(async () => {
  engine = new DyingEngine(path.join(scratch.path, "docker.sock"));
  await engine.start();
});

afterEach(() => engine.die());

const LOSS = () => ({ outcome: "there is no backup", mend: "./mem0 backup prd" });
const watched = <T>(work: () => Promise<T>, failed?: (result: T) => boolean) =>
  whileEngineRuns(engine.host, work, LOSS, failed);
const breaks = async () => {
  throw new Error("Connection terminated unexpectedly");
};

const SAID = {
  message: "the Docker engine was stopped or restarted meanwhile: there is no backup",
  mend: "./mem0 backup prd",
};

describe("work that needs the Docker engine", () => {
  it("fails as it does while the engine lives", async () => {
    await expect(watched(breaks)).rejects.toThrow("Connection terminated unexpectedly");
    expect(await watched(async () => 7)).toBe(7);
  });

  it("says that the engine went away, whatever broke first", async () => {
    const work = async () => {
      await engine.die();
      return breaks();
    };
    await expect(watched(work)).rejects.toMatchObject({ ...SAID, where: engine.host });
  });

  it("knows a restarted engine for another, and one that is stopping for none", async () => {
    const restarted = async () => {
      await engine.die();
      await engine.start();
      return breaks();
    };
    await expect(watched(restarted)).rejects.toMatchObject(SAID);
    const stopping = async () => {
      engine.stopListening();
      return breaks();
    };
    await expect(watched(stopping)).rejects.toMatchObject(SAID);
  });

  it("is what it found when it found all well, and nothing when a failure is the engine's", async () => {
    const finds = (result: string) => async () => {
      await engine.die();
      return result;
    };
    expect(await watched(finds("well"), (result) => result !== "well")).toBe("well");
    await engine.start();
    await expect(watched(finds("damaged"), (result) => result !== "well")).rejects.toMatchObject(SAID);
  });

  it("that a person interrupts is interrupted", async () => {
    const work = async () => {
      await engine.die();
      throw new Problem("interrupted", { exitCode: ExitCode.interrupted });
    };
    await expect(watched(work)).rejects.toThrow(/^interrupted$/);
  });
});

describe("the end of a container", () => {
  it("is not waited for when the engine goes away", async () => {
    const waiting = exitCodeOf(connectDocker(engine.host).getContainer("c"));
    const failed = expect(waiting).rejects.toMatchObject({ syscall: "connect" });
    await engine.die();
    await failed;
  });
});
