import { PassThrough, type Readable } from "node:stream";
import { execa } from "execa";
import { byteLines } from "../ops/base/byte-lines.ts";
import { Problem } from "../ops/base/problem.ts";

/** A kind of package registry, as a person knows it. */
export type Registry = "npm" | "Go" | "Debian";

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Where the command gets things from, for the error message. */
  registry?: Registry;
  /** Called for every line that the command prints. */
  onLine?: (line: string) => void;
  timeoutMs?: number;
}

/** What tools print when the network, not their work, is the trouble: curl, Go, apt and npm. */
const NO_NETWORK =
  /could not resolve|couldn't resolve|temporary failure (in name resolution|resolving)|no such host|connection (refused|timed out|reset)|network is unreachable|i\/o timeout|unable to connect|cannot initiate the connection|TLS handshake timeout|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN/i;

const MENDS: Record<Registry, string> = {
  npm: "npm ping shows whether it answers; `npm config set registry` names a mirror; then: ./mem0 setup goes on",
  Go: "connect to the Internet, or name a mirror in GOPROXY; then: ./mem0 setup goes on",
  Debian: "connect to the Internet, or name a mirror in MEM0_DEBIAN_MIRROR; then: ./mem0 setup goes on",
};

/**
 * Runs a command to its end.
 *
 * @returns what it printed to standard output
 * @throws Problem with the last lines that it printed, or that says which kind of registry does not answer
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { cwd, env, registry, onLine, timeoutMs } = options;
  const running = execa(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    stdin: "ignore",
    all: true,
    reject: false,
  });
  const told = onLine === undefined ? undefined : tellLines(running.all, onLine);
  const [result] = await Promise.all([running, told]);
  if (!result.failed) return result.stdout;
  const printed = result.all ?? "";
  const shown = [command, ...args].join(" ");
  if (registry !== undefined && NO_NETWORK.test(printed)) {
    throw new Problem(`the ${registry} registry does not answer:\n${lastLines(printed, 3)}`, {
      where: shown,
      mend: MENDS[registry],
    });
  }
  const reason = printed.trim() === "" ? result.shortMessage : lastLines(printed, 12);
  throw new Problem(`${command} failed:\n${reason}`, { where: shown });
}

/** Longest line that is told. */
const MAX_LINE_BYTES = 64 * 1024 ** 2;

async function tellLines(printed: Readable | undefined, onLine: (line: string) => void): Promise<void> {
  if (printed === undefined) return;
  // A stream of its own: execa reads the other one as well.
  const copy = printed.pipe(new PassThrough());
  for await (const line of byteLines(copy, MAX_LINE_BYTES)) onLine(line.toString("utf8"));
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
