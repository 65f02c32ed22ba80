import { rmSync } from "node:fs";
import {
  Listr,
  type ListrDefaultRenderer,
  type ListrSimpleRenderer,
  type ListrTask,
  PRESET_TIMER,
} from "listr2";
import { ExitCode, Problem } from "../ops/problem.ts";
import { findGo } from "./go.ts";
import { toolchainLayout } from "./layout.ts";
import { withLock } from "./lock.ts";
import { CHAINS } from "./steps/index.ts";
import type { Host, Part, Step } from "./steps/step.ts";
import { isAcceptable } from "./ways.ts";

/** What set-up shows while it works: a live list on a terminal, plain lines elsewhere, or nothing. */
export type Progress = "live" | "plain" | "none";

type Task = ListrTask<unknown, ListrDefaultRenderer, ListrSimpleRenderer>;

/**
 * Brings about every part of the machine that is not there, or that came another way than was asked for.
 * What is there is kept, so a second run only looks, and one that was cut off goes on. Set-ups of one checkout
 * take turns. What a person must know of what was made just now goes to `host.note`.
 *
 * @returns every part as it is now
 * @throws Problem of the first part that could not be brought about
 */
export async function runSetup(host: Host, progress: Progress): Promise<Part[]> {
  const { lock, work } = toolchainLayout(host.checkout);
  const tellWait = (pid: number) => {
    if (progress !== "none") console.log(`another ./mem0 (process ${pid}) is setting up; waiting for it`);
  };
  return withLock(lock, tellWait, async () => {
    rmSync(work, { recursive: true, force: true });
    const parts: Part[] = [];
    await listOf(await setupTasks(host, parts), progress).run();
    return parts;
  });
}

async function setupTasks(host: Host, parts: Part[]): Promise<Task[]> {
  const chain = (steps: readonly Step[]): Task[] => steps.map((step) => taskOf(step, host, parts));
  const nested = (title: string, tasks: Task[], concurrent: boolean): Task => ({
    title,
    task: (_context, task) =>
      task.newListr(tasks, { concurrent, rendererOptions: { collapseSubtasks: false } }),
  });
  // Without a Go of its own the machine builds the CLI in a container, on the base image.
  const independent = (await findGo(host.env)) !== undefined;
  const chains = [
    nested("Docker and the base image", chain(CHAINS.engine), false),
    nested("Pulumi and its plugins", chain(CHAINS.tools), false),
  ];
  return [...chain(CHAINS.first), nested("tools", chains, independent), ...chain(CHAINS.last)];
}

function listOf(tasks: Task[], progress: Progress) {
  return new Listr<unknown, "default", "simple">(tasks, {
    concurrent: false,
    silentRendererCondition: progress === "none",
    fallbackRendererCondition: progress === "plain",
    fallbackRenderer: "simple",
    rendererOptions: { timer: PRESET_TIMER, collapseErrors: false },
    fallbackRendererOptions: { timer: PRESET_TIMER },
  });
}

function taskOf(step: Step, host: Host, parts: Part[]): Task {
  return {
    title: step.name,
    task: async (_context, task) => {
      const report = (line: string) => {
        task.output = line;
      };
      let part = await step.inspect(host);
      if (part.state !== "there" || !isAcceptable(host.way, part.way)) {
        await step.ensure(host, report);
        part = await step.inspect(host);
      }
      if (part.state !== "there") {
        throw new Problem(`${part.name}: ${part.detail ?? part.state}`, {
          ...(part.mend === undefined ? {} : { mend: part.mend }),
          exitCode: ExitCode.failed,
        });
      }
      parts.push(part);
      task.title = [part.name, part.version, part.way === undefined ? undefined : `(${part.way})`]
        .filter(Boolean)
        .join(" ");
    },
    rendererOptions: { outputBar: 1, persistentOutput: false },
  };
}
