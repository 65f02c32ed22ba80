import type { Command } from "commander";
import { refusal, requireVerifiedBackup } from "../ops/backup/prove/deletion-guard.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { withDocker } from "../ops/docker/client.ts";
import { deleteStack } from "../ops/stack/deletion.ts";
import type { DeployedStack } from "../ops/stack/deployed-stack.ts";
import { removeContainers } from "../ops/stack/deployment.ts";
import { stackStatus } from "../ops/stack/status.ts";
import { ask } from "./cli/ask.ts";
import { deployedStack, engineContext, requireStackFile, stackWithBackups } from "./cli/context.ts";
import { runStep } from "./cli/progress.ts";

interface Options {
  deleteData?: boolean;
  yesDelete?: string;
  requireBackup?: boolean;
}

export function register(program: Command): void {
  program
    .command("down")
    .description("stop and remove the containers of a stack; its data stays")
    .argument("[stack]", "stack", "test")
    .option("--delete-data", "delete memories, graph, history and secrets too, for good")
    .option("--yes-delete <name>", "with --delete-data: the stack's name, instead of typing it when asked")
    .option(
      "--require-backup",
      "with --delete-data: only when a verified backup holds all; for prd always so",
    )
    .addHelpText("after", "\nExamples:\n  ./mem0 down\n  ./mem0 down test --delete-data --yes-delete test")
    .action(down);
}

async function down(stack: string, options: Options): Promise<void> {
  const context = engineContext(requireStackFile(stack));
  if (options.deleteData !== true) {
    if (options.yesDelete !== undefined || options.requireBackup === true) {
      const given = options.requireBackup === true ? "--require-backup" : "--yes-delete";
      throw new Problem(`${given} goes with --delete-data`, { exitCode: ExitCode.usage });
    }
    await runStep(`remove the containers of stack ${stack}`, (report) => removeContainers(context, report));
    console.log(`stack ${stack} is down; its data is kept. Back again: ./mem0 up ${stack}`);
    return;
  }
  if (stack === "prd" || options.requireBackup === true) await requireBackup(stack);
  const deployed = deployedStack(stack);
  await requireTypedName(stack, options.yesDelete);
  await runStep(`delete stack ${stack} and its data`, (report) => deleteStack(context, deployed, report));
  console.log(`stack ${stack} and all its data are deleted`);
}

/** Data that is somebody's, as PRD's always is, goes only when it can come back. */
async function requireBackup(stack: string): Promise<void> {
  let deployed: DeployedStack;
  try {
    deployed = stackWithBackups(stack).stack;
  } catch (cause) {
    throw refusal(stack, (cause as Error).message);
  }
  const { memories: live } = await stackStatus(deployed);
  await runStep("look at the newest backup", (report) =>
    withDocker(deployed.dockerHost, () => requireVerifiedBackup({ stack: deployed, live, report })),
  );
}

async function requireTypedName(stack: string, given: string | undefined): Promise<void> {
  const typed =
    given ??
    (await ask(
      `This deletes every memory of stack ${stack}. Type its name to go on: `,
      "--yes-delete NAME_OF_THE_STACK",
    ));
  if (typed === stack) return;
  throw new Problem(`nothing was deleted: the stack's name is ${stack}, not ${JSON.stringify(typed)}`, {
    exitCode: ExitCode.usage,
  });
}
