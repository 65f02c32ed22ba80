import type Docker from "dockerode";
import type { Operation } from "../protocol/resource.ts";
import type { Properties } from "../protocol/value.ts";
import { textMapOf, textOf } from "../schema/read-value.ts";
import { buildContext } from "./build-context.ts";
import { BuildLog } from "./build-log.ts";
import { messagesOf } from "./message-stream.ts";

/** A step that is still at work is reported this often. */
const REPORT_EVERY_MS = 500;

/** Builds an image with Docker's own builder, which every Docker engine has. */
export async function buildImage(
  docker: Docker,
  name: string,
  platform: string | undefined,
  build: Properties,
  operation: Operation,
): Promise<void> {
  const options = buildOptions(name, platform, build);
  const context = await buildContext(String(build.context), options.dockerfile);
  const stream = await docker.buildImage(context, { ...options, abortSignal: operation.signal });
  const log = new BuildLog();
  let reported = 0;
  for await (const message of messagesOf(stream, operation.signal)) {
    if (message.error !== undefined) throw new Error(`the build failed:\n${log.failure(message.error)}`);
    const line = log.add(message);
    if (line === undefined) continue;
    if (line.startsWith("Step ")) operation.progress.info(line);
    else if (performance.now() - reported > REPORT_EVERY_MS) {
      reported = performance.now();
      operation.progress.status(line);
    }
  }
}

/** The query of `POST /build`. */
export function buildOptions(name: string, platform: string | undefined, build: Properties) {
  const target = textOf(build.target);
  const chosen = textOf(build.platform) ?? platform;
  return {
    // 1: the classic builder; BuildKit needs a session that only Docker's own client has.
    version: "1",
    t: name,
    dockerfile: textOf(build.dockerfile) ?? "Dockerfile",
    buildargs: textMapOf(build.buildArgs),
    nocache: build.noCache === true,
    rm: build.remove !== false,
    forcerm: build.forceRemove === true,
    ...(target === undefined ? {} : { target }),
    ...(chosen === undefined ? {} : { platform: chosen }),
  } as const;
}
