import { Writable } from "node:stream";
import Docker from "dockerode";
import { Problem } from "./problem.ts";

/** Client for the engine at `host`, e.g. `unix:///var/run/docker.sock`. */
export function connectDocker(host: string): Docker {
  return new Docker({ socketPath: host.replace(/^unix:\/\//, "") });
}

/** Runs `work`, and says in plain words when the engine itself does not answer. */
export async function withDocker<T>(host: string, work: (docker: Docker) => Promise<T>): Promise<T> {
  try {
    return await work(connectDocker(host));
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    // A file of the work's own that is not there has the same code.
    if (syscall !== "connect") throw cause;
    if (code !== "ENOENT" && code !== "ECONNREFUSED" && code !== "EACCES") throw cause;
    throw new Problem(
      code === "EACCES" ? "you may not use the Docker engine" : "the Docker engine does not answer",
      { where: host, mend: "./mem0 doctor", cause },
    );
  }
}

/**
 * For `.catch` of a call of the engine: lets its refusals with these codes pass, e.g. 304, it is so already; 404, there
 * is none.
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

/**
 * Runs a command inside a container and waits for its end.
 *
 * @returns exit code and what it printed; never throws for a failed command
 */
export async function execInContainer(
  docker: Docker,
  container: string,
  command: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const exec = await docker
    .getContainer(container)
    .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.demuxStream(stream, collect(stdout), collect(stderr));
    stream.on("end", resolve);
    stream.on("error", reject);
  });
  const { ExitCode } = await exec.inspect();
  return {
    exitCode: ExitCode ?? -1,
    stdout: Buffer.concat(stdout).toString("utf8"),
    stderr: Buffer.concat(stderr).toString("utf8"),
  };
}

function collect(chunks: Buffer[]): NodeJS.WritableStream {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}
