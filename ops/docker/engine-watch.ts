import { request } from "node:http";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { ExitCode, Problem } from "../base/problem.ts";
import { socketOf, withDocker } from "./client.ts";

/** An engine that is there answers in milliseconds; one that is being stopped under systemd answers when it is back. */
const ANSWER_MS = 10_000;

/** What a person reads when the engine went away under a run. */
export interface EngineLoss {
  /** What it means for the run, e.g. `there is no backup of this run`. */
  outcome: string;
  /** The commands that help, once the engine is back. */
  mend: string;
}

/**
 * Runs `work`, and when it fails because the Docker engine was stopped or restarted meanwhile, says so: what broke
 * first, a database's connection or half a stream, would send a person the wrong way.
 *
 * @param failed whether a result tells of a failure too; without it only what is thrown does
 */
export async function whileEngineRuns<T>(
  host: string,
  work: () => Promise<T>,
  loss: () => EngineLoss,
  failed: (result: T) => boolean = () => false,
): Promise<T> {
  const watch = await watchEngine(host);
  const lost = (cause?: unknown) => {
    const { outcome, mend } = loss();
    return new Problem(`the Docker engine was stopped or restarted meanwhile: ${outcome}`, {
      where: host,
      mend,
      cause,
    });
  };
  try {
    const result = await work().catch(async (cause: unknown) => {
      const interrupted = cause instanceof Problem && cause.exitCode === ExitCode.interrupted;
      throw !interrupted && (await watch.isLost()) ? lost(cause) : cause;
    });
    if (failed(result) && (await watch.isLost())) throw lost();
    return result;
  } finally {
    watch.end();
  }
}

/** `withDocker` for long work: it says so when the engine went away under it, as `whileEngineRuns` does. */
export function withLastingDocker<T>(
  host: string,
  work: (docker: Docker) => Promise<T>,
  loss: () => EngineLoss,
  failed?: (result: T) => boolean,
): Promise<T> {
  return whileEngineRuns(host, () => withDocker(host, work), loss, failed);
}

/** One connection that stays open as long as the engine lives, whatever other engine answers after it. */
async function watchEngine(host: string): Promise<{ isLost: () => Promise<boolean>; end: () => void }> {
  // Only the open connection is of use here; this kind of event hardly ever comes.
  const filters = { type: ["plugin" as const] };
  const events = (await withDocker(host, (docker) => docker.getEvents({ filters }))) as Readable;
  let ended = false;
  const end = () => {
    ended = true;
  };
  for (const sign of ["end", "close", "error"]) events.on(sign, end);
  events.resume();
  return {
    // While it stops its containers, the engine keeps the connections that it has, and takes no new ones.
    isLost: async () => ended || !(await takesConnections(host)) || ended,
    end: () => events.destroy(),
  };
}

function takesConnections(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { socketPath: socketOf(host), path: "/_ping", agent: false, timeout: ANSWER_MS } as const;
    const asked = request(options, (answer) => {
      answer.resume();
      resolve(true);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
