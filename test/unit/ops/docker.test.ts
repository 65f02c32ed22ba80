import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { withDocker } from "../../../ops/docker.ts";
import { scratchDirectory } from "../../support/scratch.ts";

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
