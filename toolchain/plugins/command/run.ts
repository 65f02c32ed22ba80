import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface CommandLine {
  /** Program and its first arguments, e.g. `["/bin/sh", "-c"]`; the command is the last argument. */
  interpreter: readonly [string, ...string[]];
  command: string;
  /** Undefined: the directory of the process. */
  directory: string | undefined;
  /** The whole environment. */
  environment: NodeJS.ProcessEnv;
  /** Undefined: nothing to read. */
  stdin: string | undefined;
}

export interface Output {
  stdout: string;
  stderr: string;
  /** Both, in the order of arrival. */
  both: string;
}

export class CommandFailure extends Error {
  readonly output: Output;
  constructor(how: string, output: Output) {
    super(how);
    this.output = output;
  }
}

/** From SIGTERM to SIGKILL for a cancelled command, in ms; the engine gives its plugins 5 s. */
const GRACE_MS = 2_000;

/**
 * Runs a command in a process group of its own, so that `signal` ends whatever it started as well.
 *
 * @param onLine gets every line as it comes
 * @throws CommandFailure when it ends with anything but 0
 */
export function run(
  line: CommandLine,
  signal: AbortSignal,
  onLine: (source: "stdout" | "stderr", text: string) => void,
): Promise<Output> {
  const [program, ...args] = line.interpreter;
  const output: Output = { stdout: "", stderr: "", both: "" };
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, line.command], {
      cwd: line.directory,
      env: line.environment,
      stdio: [line.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
    });
    const stop = () => endGroup(child.pid);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });

    collect(child.stdout, "stdout", output, onLine);
    collect(child.stderr, "stderr", output, onLine);
    // A command need not read its input.
    child.stdin?.on("error", () => {});
    child.stdin?.end(line.stdin);

    child.on("error", (error) => {
      signal.removeEventListener("abort", stop);
      reject(new CommandFailure(startFailure(error, program, line.directory), output));
    });
    child.on("close", (code, killed) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(new CommandFailure("cancelled", output));
      else if (code === 0) resolve(output);
      else reject(new CommandFailure(killed === null ? `exit status ${code}` : `signal: ${killed}`, output));
    });
  });
}

function collect(
  stream: Readable | null,
  source: "stdout" | "stderr",
  output: Output,
  onLine: (source: "stdout" | "stderr", text: string) => void,
): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    output[source] += chunk;
    output.both += chunk;
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) onLine(source, text);
  });
  stream?.on("end", () => {
    if (rest !== "") onLine(source, rest);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS).unref();
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // The group has ended.
  }
}

function startFailure(error: NodeJS.ErrnoException, program: string, directory: string | undefined): string {
  if (error.code !== "ENOENT") return error.message;
  // Node says ENOENT for both.
  return `cannot start ${program}${directory === undefined ? "" : ` in ${directory}`}: no such file or directory`;
}
