import { chmodSync, cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import tar from "tar-fs";
import { Problem } from "../ops/base/problem.ts";
import { connectDocker } from "../ops/docker/client.ts";
import { follow } from "./base-image/image.ts";
import { countPackages, type GoBuild, linkerFlags } from "./go.ts";
import { toolchainLayout } from "./layout.ts";
import { findBaseImage } from "./steps/base-image.ts";
import { locateEngine } from "./steps/docker.ts";
import type { Host, Report } from "./steps/step.ts";

/**
 * Builds a Go program in a container, for a machine without Go. Docker keeps the finished layers, so a build that
 * is interrupted goes on after the last of them.
 */
export async function buildInContainer(host: Host, build: GoBuild, report: Report): Promise<void> {
  const engine = await locateEngine(host);
  const docker = engine.state === "there" ? connectDocker(engine.host) : undefined;
  const base = docker === undefined ? undefined : await findBaseImage(host, docker);
  if (docker === undefined || base === undefined) {
    throw new Problem("building the Pulumi CLI needs Go 1.21 or newer, or a Docker engine to run one in", {
      mend: "install Go (https://go.dev/dl) or Docker, then: ./mem0 setup",
    });
  }
  const name = path.basename(build.command);
  const tag = `mem0/go-build:${name}`;
  const draft = mkdtempSync(path.join(toolchainLayout(host.checkout).work, "go-"));
  try {
    for (const file of ["go.mod", "go.sum", "tools.go"])
      cpSync(path.join(build.module, file), path.join(draft, file));
    cpSync(path.join(import.meta.dirname, "go", "Dockerfile"), path.join(draft, "Dockerfile"));
    const buildargs = {
      BASE_IMAGE: base.tag,
      GOOS: host.platform,
      GOARCH: process.arch === "arm64" ? "arm64" : "amd64",
      // Empty means what Go itself takes when nothing is said.
      GOPROXY: host.env.GOPROXY ?? "",
      GOSUMDB: host.env.GOSUMDB ?? "",
      COMMAND: build.command,
      LDFLAGS: linkerFlags(build),
    };
    const progress = await docker.buildImage(tar.pack(draft), { t: tag, rm: true, forcerm: true, buildargs });
    await follow(docker, progress, countPackages(report));
    const container = await docker.createContainer({ Image: tag });
    try {
      await pipeline(await container.getArchive({ path: "/program" }), tar.extract(draft));
    } finally {
      await container.remove();
    }
    chmodSync(path.join(draft, "program"), 0o755);
    renameSync(path.join(draft, "program"), build.output);
    await docker.getImage(tag).remove();
    // Go, the modules and the compiler's cache: gigabytes that nothing needs any more.
    await docker.pruneImages({ filters: { label: ["mem0.purpose=go-build"] } });
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem(`${name} could not be built in a container:\n${(cause as Error).message}`, { cause });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
