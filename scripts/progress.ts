import { Listr, PRESET_TIMER } from "listr2";
import type { Report } from "../ops/deployment.ts";

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
          const report: Report = (line) => {
            task.output = line;
          };
          result = { value: await work(report) };
        },
        rendererOptions: { outputBar: 1, persistentOutput: false },
      },
    ],
    {
      rendererOptions: { timer: PRESET_TIMER, collapseErrors: false },
      fallbackRenderer: "verbose",
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  await tasks.run();
  if (result === undefined) throw new Error(`${title} ended without a result`);
  return result.value;
}
