import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { Problem } from "../base/problem.ts";
import { waitUntil } from "../base/wait-until.ts";

/** Client for the engine at `host`, e.g. `unix:///var/run/docker.sock`. */
export function connectDocker(host: string): Docker {
  return new Docker({ socketPath: socketOf(host) });
}

/** Path of the socket that `host` names. */
export function socketOf(host: string): string {
  return host.replace(/^unix:\/\//, "");
}

/** Errors of a connection to an engine that is not there, or that goes away. */
const NO_ANSWER = ["ENOENT", "ECONNREFUSED", "ECONNRESET"];

/** Runs `work`, and says in plain words when the engine itself does not answer. */
export async function withDocker<T>(host: string, work: (docker: Docker) => Promise<T>): Promise<T> {
  try {
    return await work(connectDocker(host));
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    // "socket hang up": a request that was made and is not answered.
    if (code === "ECONNRESET" && syscall === undefined) {
      throw new Problem("the Docker engine broke the connection off", {
        where: host,
        mend: "./mem0 doctor, then the same command again",
        cause,
      });
    }
    // Work that misses a file of its own fails with the same code.
    if (syscall !== "connect") throw cause;
    if (code !== "EACCES" && !NO_ANSWER.includes(code ?? "")) throw cause;
    throw new Problem(
      code === "EACCES" ? "you may not use the Docker engine" : "the Docker engine does not answer",
      { where: host, mend: "./mem0 doctor", cause },
    );
  }
}

/**
 * For `.catch` of a request to the engine: takes its refusals with these codes for success, e.g. 304 (it is so already)
 * or 404 (there is none).
 */
export function ignoring(...codes: number[]): (error: { statusCode?: number }) => undefined {
  return (error) => {
    if (error.statusCode === undefined || !codes.includes(error.statusCode)) throw error;
  };
}

/** The processor that a container's programs are for, as Docker calls it: amd64, arm64. */
export async function architectureOf(docker: Docker, container: string): Promise<string> {
  const { Image } = await docker.getContainer(container).inspect();
  return (await docker.getImage(Image).inspect()).Architecture;
}

/** How often a container that is about to end is looked at. */
const ENDING_MS = 50;

/**
 * Exit code of a started container whose output has ended. It is looked at again and again: Docker begins its answer to
 * a request to wait at once, and the client library would wait for its end for ever when the engine goes away.
 */
export async function exitCodeOf(container: Docker.Container): Promise<number> {
  for (;;) {
    const { State } = await container.inspect();
    if (!State.Running) return State.ExitCode;
    await delay(ENDING_MS);
  }
}

/** How long an engine that is being restarted may take to be back. */
const BACK_MS = 60_000;

/**
 * Starts a container that has to run whatever happens: also when the engine is just being restarted, and whatever error
 * that gives (a refused or broken connection, a broken pipe), or when it cannot for a moment.
 *
 * @throws at once when there is no such container
 */
export async function startWhatever(docker: Docker, name: string): Promise<void> {
  let cause: unknown;
  const isStarted = () =>
    docker
      .getContainer(name)
      .start()
      .catch(ignoring(304))
      .then(
        () => true,
        (error: { statusCode?: number }) => {
          if (error.statusCode === 404) throw error;
          cause = error;
          return false;
        },
      );
  const late = () =>
    new Problem(`Docker did not start it within ${BACK_MS / 1000} s: ${(cause as Error).message}`, {
      where: name,
      mend: `./mem0 doctor, then docker start ${name}`,
      cause,
    });
  await waitUntil(isStarted, { withinMs: BACK_MS, late });
}
