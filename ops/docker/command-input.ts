import { type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";

/** How a command in a container ended. */
export interface Ended {
  exitCode: number;
  /** The last MiB of each. */
  stdout: string;
  stderr: string;
}

/** Only the end of an output tells why a command failed; a chatty one must not fill the memory. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Runs a command in a running container, with what `input` gives as its standard input.
 *
 * @returns how it ended; never throws for a failed command
 * @throws what the input throws
 */
export async function execWithInput(
  docker: Docker,
  container: string,
  command: readonly string[],
  input: () => Readable,
  env: Record<string, string> = {},
): Promise<Ended> {
  const exec = await docker.getContainer(container).exec({
    Cmd: [...command],
    Env: environment(env),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  const output = await feed(docker, stream, input);
  return { ...output, exitCode: (await exec.inspect()).ExitCode ?? -1 };
}

/**
 * Sends what `open` gives to an attached command and collects what it prints until it ends.
 *
 * @throws what the input throws; not when the command ends before it has read everything, for that has a reason which
 *   the command itself tells better
 */
export async function feed(
  docker: Docker,
  stream: NodeJS.ReadWriteStream,
  open: () => Readable,
): Promise<{ stdout: string; stderr: string }> {
  const stdout = new Tail();
  const stderr = new Tail();
  const ended = new Promise<void>((resolve, reject) => {
    docker.modem.demuxStream(stream, stdout, stderr);
    stream.once("end", resolve);
    stream.once("close", resolve);
    stream.once("error", reject);
  });
  // Opened only now: a stream that fails while nobody listens ends the process.
  const input = open();
  let unreadable: Error | undefined;
  input.once("error", (error) => {
    unreadable = error;
  });
  // The attached stream is both ways: it must outlive its input, whose end is only the end of one direction.
  const sent = pipeline(input, sendingTo(stream)).catch(() => undefined);
  await Promise.race([ended, sent.then(() => ended)]);
  input.destroy();
  if (unreadable !== undefined) throw unreadable;
  return { stdout: stdout.text, stderr: stderr.text };
}

function sendingTo(stream: NodeJS.ReadWriteStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(chunk, (error) => done(error ?? null));
    },
    final(done) {
      stream.end();
      done();
    },
    destroy(error, done) {
      // Half an input must not pass for a whole one.
      if (error !== null) (stream as NodeJS.ReadWriteStream & { destroy(): void }).destroy();
      done(error);
    },
  });
}

class Tail extends Writable {
  #chunks: Buffer[] = [];
  #bytes = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) > KEPT_BYTES) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** Variables in the form that Docker takes. */
export function environment(env: Record<string, string>): string[] {
  return Object.entries(env).map(([key, value]) => `${key}=${value}`);
}
