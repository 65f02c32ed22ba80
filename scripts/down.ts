import type { Command } from "commander";
import { newestGood, readCatalogue } from "../ops/backup/catalogue.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { verifyAll } from "../ops/backup/verify.ts";
import { deleteStack } from "../ops/data-deletion.ts";
import { removeContainers } from "../ops/deployment.ts";
import { withDocker } from "../ops/docker.ts";
import { ExitCode, Problem } from "../ops/problem.ts";
import { stackStatus } from "../ops/stack-status.ts";
import { ask } from "./ask.ts";
import { type BackupContext, backupContext } from "./backup-context.ts";
import { deployedStack, engineContext, requireStackFile } from "./context.ts";
import { runStep } from "./progress.ts";

interface Options {
  deleteData?: boolean;
  yesDelete?: string;
}

export function register(program: Command): void {
  program
    .command("down")
    .description("stop and remove the containers of a stack; its data stays")
    .argument("[stack]", "stack", "test")
    .option("--delete-data", "delete memories, graph, history and secrets too, for good")
    .option("--yes-delete <name>", "with --delete-data: the stack's name, instead of typing it when asked")
    .addHelpText("after", "\nExamples:\n  ./mem0 down\n  ./mem0 down test --delete-data --yes-delete test")
    .action(down);
}

async function down(stack: string, options: Options): Promise<void> {
  const context = engineContext(requireStackFile(stack));
  if (options.deleteData !== true) {
    if (options.yesDelete !== undefined) {
      throw new Problem("--yes-delete goes with --delete-data", { exitCode: ExitCode.usage });
    }
    await runStep(`remove the containers of stack ${stack}`, (report) => removeContainers(context, report));
    console.log(`stack ${stack} is down; its data is kept. Back again: ./mem0 up ${stack}`);
    return;
  }
  await requireVerifiedBackup(stack);
  const manifest = deployedStack(stack);
  await requireTypedName(stack, options.yesDelete);
  await runStep(`delete stack ${stack} and its data`, (report) =>
    deleteStack(context, manifest, context.machine.stateHome, report),
  );
  console.log(`stack ${stack} and all its data are deleted`);
}

/** PRD's data goes only when a backup that can be read to its last byte holds as many memories as are live. */
async function requireVerifiedBackup(stack: string): Promise<void> {
  if (stack !== "prd") return;
  const refusal = (why: string, mend: string) =>
    new Problem(`the data of prd is not deleted without a verified backup: ${why}`, { mend });
  const keep = "./mem0 down prd removes the containers and keeps the data";
  let context: BackupContext;
  try {
    context = backupContext(stack);
  } catch (cause) {
    throw refusal((cause as Error).message, keep);
  }
  const { manifest, settings, stateDir } = context;
  const newest = newestGood(readCatalogue(settings.root));
  if (newest === undefined) throw refusal("there is none", `./mem0 backup prd, or: ${keep}`);
  const { memories } = await stackStatus(manifest);
  if (memories !== undefined && memories !== newest.manifest.counts.memories) {
    const held = newest.manifest.counts.memories;
    throw refusal(`${newest.id} holds ${held} memories, live are ${memories}`, "./mem0 backup prd");
  }
  const [verified] = await runStep(`verify backup ${newest.id}`, (report) =>
    withBackupLock(stateDir, () =>
      withDocker(manifest.dockerHost, (docker) =>
        verifyAll(docker, manifest, stateDir, [newest], undefined, {
          begin: () => {},
          check: ({ name, found }) => report(`${name}: ${found}`),
        }),
      ),
    ),
  );
  const wrong = verified?.checks.find(({ ok }) => !ok);
  if (wrong === undefined) return;
  throw refusal(`${newest.id}: ${wrong.found}`, "./mem0 verify --stack prd --identity FILE tells more");
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
