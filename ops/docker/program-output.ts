import { Transform, type TransformCallback } from "node:stream";
import type Docker from "dockerode";
import { Problem } from "../base/problem.ts";
import { exitCodeOf, ignoring } from "./client.ts";

/** Bytes that a program in a container writes. `done` settles when it has ended, and rejects when it failed. */
export interface ProgramOutput {
  stream: Transform;
  done: Promise<void>;
}

/** How much of a program's complaints is kept, from the end. */
const COMPLAINTS_BYTES = 4096;

const STDERR = 2;
const HEADER_BYTES = 8;

/**
 * Splits Docker's joined stream: standard output goes on, at the pace of whoever reads it; the end of standard error is
 * kept. The client library's own way takes everything into memory when the reader is slow.
 */
class Demultiplexer extends Transform {
  complaints = "";
  #header = Buffer.alloc(0);
  #left = 0;
  #kind = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const wanted = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#header.length < HEADER_BYTES) break;
        this.#kind = this.#header[0] ?? 0;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const piece = rest.subarray(0, this.#left);
      this.#left -= piece.length;
      rest = rest.subarray(piece.length);
      if (this.#kind === STDERR) {
        this.complaints = `${this.complaints}${piece.toString("utf8")}`.slice(-COMPLAINTS_BYTES);
      } else {
        this.push(piece);
      }
    }
    done();
  }
}

/** Runs a command inside a running container, and streams what it prints. */
export async function streamFromExec(
  docker: Docker,
  container: string,
  command: readonly string[],
): Promise<ProgramOutput> {
  const exec = await docker
    .getContainer(container)
    .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const output = await exec.start({});
  return split(output, `${command[0]} in ${container}`, async () => (await exec.inspect()).ExitCode ?? -1);
}

export interface OneShot {
  name: string;
  image: string;
  /** The image's own entrypoint when left out. */
  entrypoint?: string[];
  command: string[];
  user: string;
  mounts: Docker.MountConfig;
  labels: Record<string, string>;
  env?: string[];
  memoryBytes: number;
}

/** What a container has mounted, for another container to read. */
export function mountOf(
  mount: Docker.ContainerInspectInfo["Mounts"][number],
  target: string,
): Docker.MountSettings {
  const isVolume = mount.Type === "volume";
  return {
    Type: isVolume ? "volume" : "bind",
    Source: isVolume ? (mount.Name ?? "") : mount.Source,
    Target: target,
    ReadOnly: true,
  };
}

/** Makes a container for one command, hardened like the stack's own and without a network; it is not started yet. */
export function createOneShot(docker: Docker, shot: OneShot): Promise<Docker.Container> {
  return docker.createContainer({
    name: shot.name,
    Image: shot.image,
    ...(shot.entrypoint === undefined ? {} : { Entrypoint: shot.entrypoint }),
    Cmd: shot.command,
    User: shot.user,
    Labels: shot.labels,
    Env: shot.env ?? [],
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      Init: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Tmpfs: { "/tmp": "size=64m,mode=1777" },
      Memory: shot.memoryBytes,
      MemorySwap: shot.memoryBytes,
      Mounts: shot.mounts,
      // What it prints is taken as it comes; the engine need not write it to its own disk as well.
      LogConfig: { Type: "none", Config: {} },
    },
  });
}

/** Starts a one-shot container, streams what it prints, and removes it at its end. */
export async function streamFromOneShot(container: Docker.Container, what: string): Promise<ProgramOutput> {
  const output = await container.attach({ stream: true, stdout: true, stderr: true });
  await container.start();
  return split(output, what, async () => {
    const exitCode = await exitCodeOf(container);
    await removeOneShot(container);
    return exitCode;
  });
}

/** Starts a one-shot container and waits for its end; it is removed, whatever happens. */
export async function runOneShot(container: Docker.Container, what: string): Promise<void> {
  const { stream, done } = await streamFromOneShot(container, what);
  stream.resume();
  await done;
}

/** Removes a one-shot container, running or not; nothing when it is gone. */
export async function removeOneShot(container: Docker.Container): Promise<void> {
  // 409: its removal is under way already.
  await container.remove({ force: true, v: true }).catch(ignoring(404, 409));
}

function split(output: NodeJS.ReadableStream, what: string, exitCode: () => Promise<number>): ProgramOutput {
  const stream = new Demultiplexer();
  const done = new Promise<void>((resolve, reject) => {
    output.on("error", reject);
    stream.on("close", () => {
      // Nobody reads any further: the program is told by its broken pipe.
      (output as unknown as { destroy?: () => void }).destroy?.();
    });
    output.on("close", () => resolve());
    output.on("end", () => resolve());
  }).then(async () => {
    const code = await exitCode();
    if (code !== 0) {
      throw new Problem(`${what} failed (exit code ${code})`, {
        ...(stream.complaints === "" ? {} : { where: stream.complaints.trim() }),
      });
    }
  });
  // Whoever reads the stream awaits `done` as well, but perhaps later.
  done.catch(() => {});
  output.on("error", (error) => stream.destroy(error));
  output.pipe(stream);
  return { stream, done };
}
