import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ChildOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Stands before every line, so that the lines of lanes can be told apart. */
  label: string;
  /** Ends the program, and all that it started, when it is aborted. */
  signal: AbortSignal;
  print?: (line: string) => void;
}

/** What a program that is interrupted gets to take down what it set up. */
const GRACE_MS = 30_000;

/**
 * Runs a program to its end and prints what it says line by line.
 *
 * @returns whether it ended well
 */
export async function runChild(
  command: string,
  args: readonly string[],
  { cwd, env = {}, label, signal, print = console.log }: ChildOptions,
): Promise<boolean> {
  if (signal.aborted) return false;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Leads a group of its own, to which everything belongs that it starts.
    detached: true,
  });
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on("line", (line) => print(`${label} | ${line}`));
  const leaveNothing = () => tell(child.pid, "SIGKILL");
  const end = () => {
    tell(child.pid, "SIGINT");
    setTimeout(leaveNothing, GRACE_MS).unref();
  };
  signal.addEventListener("abort", end, { once: true });
  process.once("exit", leaveNothing);
  try {
    // What it left at work would keep its output open, and this lane waiting.
    child.once("exit", leaveNothing);
    const [exitCode] = await once(child, "close");
    return exitCode === 0;
  } catch (error) {
    print(`${label} | ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    signal.removeEventListener("abort", end);
    process.removeListener("exit", leaveNothing);
  }
}

/** Sends a signal to a whole group of processes; one that is gone is none of our business. */
function tell(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
