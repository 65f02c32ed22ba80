import { type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { outputOf, type ProgramOutput, splitInto, Tail } from "./output.ts";

/** How a command in a container ended. */
export interface Ended {
  exitCode: number;
  /** The last MiB of each. */
  stdout: string;
  stderr: string;
}

/** A chatty command must not fill the memory; why one failed stands at the end. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Runs a command in a running container and waits for its end.
 *
 * @param input opens what the command gets as its standard input; none when left out
 * @returns how it ended; never throws for a failed command
 * @throws what the input throws
 */
export async function execInContainer(
  docker: Docker,
  container: string,
  command: readonly string[],
  { input, env = {} }: { input?: () => Readable; env?: Record<string, string> } = {},
): Promise<Ended> {
  const hasInput = input !== undefined;
  const exec = await docker.getContainer(container).exec({
    Cmd: [...command],
    Env: environment(env),
    AttachStdin: hasInput,
    AttachStdout: true,
    AttachStderr: true,
  });
  const attached = await exec.start(hasInput ? { hijack: true, stdin: true } : {});
  const output = await converse(attached, input);
  return { ...output, exitCode: (await exec.inspect()).ExitCode ?? -1 };
}

/** Runs a command in a running container, and streams what it prints. */
export async function streamFromExec(
  docker: Docker,
  container: string,
  command: readonly string[],
): Promise<ProgramOutput> {
  const exec = await docker
    .getContainer(container)
    .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const attached = await exec.start({});
  return outputOf(
    attached,
    `${command[0]} in ${container}`,
    async () => (await exec.inspect()).ExitCode ?? -1,
  );
}

/**
 * Sends what `open` gives to an attached command, and collects what it prints until it ends.
 *
 * @throws what the input throws; not when the command ends before it has read everything, for that has a reason which
 *   the command itself tells better
 */
export async function converse(
  attached: NodeJS.ReadWriteStream,
  open: (() => Readable) | undefined,
): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = [new Tail(KEPT_BYTES), new Tail(KEPT_BYTES)];
  const ended = new Promise<void>((resolve, reject) => {
    attached.on("data", splitInto(stdout, stderr));
    attached.once("end", resolve);
    attached.once("close", resolve);
    attached.once("error", reject);
  });
  if (open === undefined) await ended;
  else await whileSending(attached, open, ended);
  return { stdout: stdout.text, stderr: stderr.text };
}

/** Waits for the end of a command that gets its input meanwhile. */
async function whileSending(
  attached: NodeJS.ReadWriteStream,
  open: () => Readable,
  ended: Promise<void>,
): Promise<void> {
  const sending = send(attached, open);
  await Promise.race([ended, sending.sent.then(() => ended)]);
  sending.stop();
}

/** Sends what `open` gives to an attached command. */
export function send(attached: NodeJS.ReadWriteStream, open: () => Readable): Sending {
  // Opened only now: a stream that fails while nobody listens ends the process.
  const input = open();
  let unreadable: Error | undefined;
  input.once("error", (error) => {
    unreadable = error;
  });
  // The attached stream is both ways: it must outlive its input, whose end is only the end of one direction.
  const sent = pipeline(input, sendingTo(attached)).catch(() => undefined);
  return {
    sent,
    stop: () => {
      input.destroy();
      if (unreadable !== undefined) throw unreadable;
    },
  };
}

/** What is on its way to a command. */
interface Sending {
  /** Settles when all is sent, or cannot be; never rejects. */
  sent: Promise<void>;
  /**
   * Sends nothing more.
   *
   * @throws what kept the input from being read
   */
  stop: () => void;
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

/** Variables in the form that Docker takes. */
export function environment(env: Record<string, string>): string[] {
  return Object.entries(env).map(([key, value]) => `${key}=${value}`);
}
