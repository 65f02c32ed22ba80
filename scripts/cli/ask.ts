import { createInterface } from "node:readline/promises";
import { ExitCode, Problem } from "../../ops/base/problem.ts";

/**
 * Asks a person at the terminal.
 *
 * @param otherwise how to give the answer where there is no terminal
 */
export async function ask(question: string, otherwise: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Problem("this needs an answer, and there is no terminal to ask at", {
      mend: otherwise,
      exitCode: ExitCode.usage,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}
