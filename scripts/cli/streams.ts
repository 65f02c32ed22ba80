// Runs before the packages are there: imports nothing but Node itself.
import { writeSync } from "node:fs";
import { ExitCode } from "../../ops/base/exit-codes.ts";

/**
 * Lets a verb end its work whatever becomes of its output. A reader who stops (`| head -1`) is no failure, and nothing
 * more is said to him; output that cannot be written (a full disk) is told, and is one.
 */
export function guardOutput(): void {
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!isReaderGone(error)) lost ??= error;
  });
  // There is nowhere left to tell of it.
  process.stderr.on("error", () => {});
  process.on("exit", () => {
    // A verb that failed has told why.
    if (lost === undefined || Number(process.exitCode ?? 0) !== 0) return;
    process.exitCode = ExitCode.failed;
    try {
      writeSync(
        2,
        `mem0: the output could not be written: ${lost.message}\n  mend:  make room, or write it elsewhere\n`,
      );
    } catch {
      // As above.
    }
  });
}

/** Whether a write failed because nobody reads any more, or came after such a one. */
export function isReaderGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || code === "ERR_STREAM_PREMATURE_CLOSE";
}
