import { createInterface } from "node:readline/promises";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { visible } from "../../ops/base/visible.ts";

/**
 * Asks a person at the terminal.
 *
 * @param otherwise how to give the answer where there is no terminal
 * @returns what was typed; nothing after Ctrl-D
 */
export async function ask(question: string, otherwise: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Problem("this needs an answer, and there is no terminal to ask at", {
      mend: otherwise,
      exitCode: ExitCode.usage,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // While it asks, the terminal hands over Ctrl-C as a key.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const left = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    return (await Promise.race([terminal.question(visible(question)), left])).trim();
  } finally {
    terminal.close();
  }
}
