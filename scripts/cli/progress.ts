import { Listr, PRESET_TIMER } from "listr2";
import { isRoomyTerminal } from "../../ops/base/terminal.ts";
import { visible } from "../../ops/base/visible.ts";
import type { Report } from "../../ops/stack/pulumi-events.ts";

/**
 * Runs one piece of work with its progress shown: a live line with the time on a terminal, plain lines elsewhere. Why it
 * failed is thrown and not shown here: it is told once, at the end.
 *
 * @returns what the work returns
 */
export async function runStep<T>(title: string, work: (report: Report) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  let failure: { cause: unknown } | undefined;
  const tasks = new Listr(
    [
      {
        title: visible(title),
        task: async (_context, task) => {
          const report: Report = (line, passing) => {
            // Elsewhere than on a terminal nothing is overwritten: passing lines would fill the log.
            if (passing !== true || isRoomyTerminal()) task.output = visible(line);
          };
          try {
            result = { value: await work(report) };
          } catch (cause) {
            failure = { cause };
            throw new Error("the reason follows");
          }
        },
        rendererOptions: { outputBar: 1, persistentOutput: false },
      },
    ],
    {
      exitOnError: false,
      // What a signal does is for the verb to say.
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, collapseErrors: false, showErrorMessage: false },
      fallbackRendererCondition: () => !isRoomyTerminal(),
      fallbackRenderer: "simple",
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  await tasks.run();
  if (failure !== undefined) throw failure.cause;
  if (result === undefined) throw new Error(`${title} ended without a result`);
  return result.value;
}
