import { Listr, PRESET_TIMER } from "listr2";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import type { Report } from "../../ops/stack/pulumi-events.ts";

/**
 * Lets an engine operation that Ctrl-C reaches end in order: the engine, which gets the same signal, finishes or gives
 * up what it is at and notes how far it came; only then this process ends.
 */
async function interruptible<T>(work: () => Promise<T>): Promise<T> {
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await work();
  } catch (cause) {
    if (!interrupted) throw cause;
    throw new Problem("interrupted; the same command goes on from here", {
      exitCode: ExitCode.interrupted,
      cause,
    });
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/**
 * Runs one piece of work with its progress shown: a live line with the time on a terminal, plain lines elsewhere.
 *
 * @returns what the work returns
 */
export async function runStep<T>(title: string, work: (report: Report) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  const tasks = new Listr(
    [
      {
        title,
        task: async (_context, task) => {
          const report: Report = (line, passing) => {
            // Elsewhere than on a terminal nothing is overwritten: passing lines would fill the log.
            if (passing !== true || process.stdout.isTTY) task.output = line;
          };
          result = { value: await interruptible(() => work(report)) };
        },
        rendererOptions: { outputBar: 1, persistentOutput: false },
      },
    ],
    {
      rendererOptions: { timer: PRESET_TIMER, collapseErrors: false },
      fallbackRenderer: "simple",
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  await tasks.run();
  if (result === undefined) throw new Error(`${title} ended without a result`);
  return result.value;
}
