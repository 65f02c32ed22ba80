import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { connectDocker, startWhatever, withDocker } from "../../../../ops/docker/client.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

describe("work with the Docker engine", () => {
  const host = () => `unix://${path.join(scratch.path, "docker.sock")}`;

  it("says so when the engine does not answer", async () => {
    await expect(withDocker(host(), (docker) => docker.ping())).rejects.toMatchObject({
      message: "the Docker engine does not answer",
      where: host(),
    });
  });

  it("does not blame the engine for a file of its own that is not there", async () => {
    const missing = path.join(scratch.path, "missing");
    await expect(withDocker(host(), () => readFile(missing))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a container that has to run", () => {
  /** What it takes to start it under an engine that answers like this, one answer after the other. */
  const startedWith = async (...answers: (number | "broken off")[]) => {
    const file = path.join(scratch.path, "docker.sock");
    const asked: string[] = [];
    const engine = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      const answer = answers.shift();
      if (typeof answer === "number") response.writeHead(answer).end();
      else response.destroy();
    });
    engine.listen(file);
    await once(engine, "listening");
    try {
      await startWhatever(connectDocker(`unix://${file}`), "c");
      return asked;
    } finally {
      engine.closeAllConnections();
      engine.close();
    }
  };
  const START = "POST /containers/c/start";

  it("is started though the engine breaks off or cannot for a moment", async () => {
    expect(await startedWith("broken off", 500, 204)).toEqual([START, START, START]);
  });

  it("may run already", async () => {
    expect(await startedWith(304)).toEqual([START]);
  });

  it("cannot be started when it is gone", async () => {
    await expect(startedWith(404)).rejects.toMatchObject({ statusCode: 404 });
  });
});
