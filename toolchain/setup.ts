import { rmSync } from "node:fs";
import {
  Listr,
  type ListrDefaultRenderer,
  type ListrSimpleRenderer,
  type ListrTask,
  PRESET_TIMER,
} from "listr2";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { isRoomyTerminal } from "../ops/base/terminal.ts";
import { visible } from "../ops/base/visible.ts";
import { findGo } from "./go.ts";
import { thisHost } from "./host.ts";
import { toolchainLayout } from "./layout.ts";
import { withLock } from "./lock.ts";
import { CHAINS } from "./steps/index.ts";
import type { Host, Part, Step } from "./steps/step.ts";
import { isAcceptable, type RequestedWay } from "./ways.ts";

/** What set-up shows while it works: a live list on a terminal, plain lines elsewhere, or nothing. */
export type Progress = "live" | "plain" | "none";

type Task = ListrTask<unknown, ListrDefaultRenderer, ListrSimpleRenderer>;

export interface SetupOptions {
  way?: RequestedWay;
  progress?: Progress;
}

export interface SetupResult {
  /** Every part as it is now. */
  parts: Part[];
  /** What a person must know of what was made just now; told already unless there was no progress to show. */
  notes: string[];
}

/**
 * Brings about every part of the machine that is not there, or that came another way than was asked for.
 * What is there is kept, so a second run only looks, and one that was cut off goes on. Set-ups of one checkout
 * take turns.
 *
 * @throws Problem of the first part that could not be brought about
 */
export async function runSetup(options: SetupOptions = {}): Promise<SetupResult> {
  const { way = "auto", progress = isRoomyTerminal() ? "live" : "plain" } = options;
  const parts: Part[] = [];
  const notes: string[] = [];
  const host = thisHost(way, (text) => notes.push(text));
  const { lock, work } = toolchainLayout(host.checkout);
  const tell = (text: string) => {
    if (progress !== "none") console.log(visible(text));
  };
  try {
    await withLock(
      lock,
      (whom) => tell(`another ./mem0 is setting up; waiting for ${whom}`),
      async () => {
        rmSync(work, { recursive: true, force: true });
        await listOf(await setupTasks(host, parts), progress).run();
      },
    );
  } catch (error) {
    // What was made before is kept, and will not be told again.
    for (const note of notes) console.error(`\n${visible(note)}\n`);
    throw error;
  }
  for (const note of notes) tell(`\n${note}\n`);
  return { parts, notes };
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
    // What a signal does is for the verb to say.
    registerSignalListeners: false,
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
        task.output = visible(line);
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
