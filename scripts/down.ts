import { refusal, requireVerifiedBackup } from "../ops/backup/prove/deletion-guard.ts";
import { SEAL_KEY_FILE } from "../ops/backup/seal-keys.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { withDocker } from "../ops/docker/client.ts";
import { deleteStack } from "../ops/stack/deletion.ts";
import type { DeployedStack } from "../ops/stack/deployed-stack.ts";
import { removeContainers } from "../ops/stack/deployment.ts";
import { requireStackFile } from "../ops/stack/stack-file.ts";
import { stackStatus } from "../ops/stack/status.ts";
import { CHECKOUT } from "../toolchain/layout.ts";
import { ask } from "./cli/ask.ts";
import type { Call } from "./cli/call.ts";
import { pulumiContext } from "./cli/context.ts";
import { defineVerb } from "./cli/verb.ts";

interface Options {
  deleteData?: boolean;
  yesDelete?: string;
  requireBackup?: boolean;
}

export const verb = defineVerb<Options>({
  declare: (command) =>
    command
      .option("--delete-data", "delete memories, graph, history and secrets too, for good")
      .option("--yes-delete <name>", "with --delete-data: the stack's name, instead of typing it when asked")
      .option(
        "--require-backup",
        "with --delete-data: only when a verified backup holds all; for prd always so",
      ),
  examples: ["down", "down test --delete-data --yes-delete test"],
  run: async (call) => {
    const { options, stack } = call;
    requireStackFile(CHECKOUT, stack);
    const context = pulumiContext(stack);
    if (options.deleteData !== true) {
      if (options.yesDelete !== undefined || options.requireBackup === true) {
        const given = options.requireBackup === true ? "--require-backup" : "--yes-delete";
        throw new Problem(`${given} goes with --delete-data`, { exitCode: ExitCode.usage });
      }
      await call.step(`remove the containers of stack ${stack}`, (report) =>
        removeContainers(context, report),
      );
      return { text: `stack ${stack} is down; its data is kept. Back again: ./mem0 up ${stack}` };
    }
    if (stack === "prd" || options.requireBackup === true) await requireBackup(call);
    const deployed = call.deployed();
    await requireTypedName(stack, options.yesDelete);
    await call.step(`delete stack ${stack} and its data`, (report) => deleteStack(context, deployed, report));
    return {
      text:
        `stack ${stack} and all its data are deleted; its backups stay. Its seal key is gone with it: ` +
        "the copy that you kept still shows that they are its own (--seal-key)",
    };
  },
});

/** Data that is somebody's, as PRD's always is, goes only when it can come back. */
async function requireBackup(call: Call<Options>): Promise<void> {
  let stack: DeployedStack;
  try {
    ({ stack } = call.backups());
  } catch (cause) {
    throw refusal(call.stack, (cause as Error).message);
  }
  const { memories: live } = await stackStatus(stack);
  await call.step("look at the newest backup", (report) =>
    withDocker(stack.dockerHost, () => requireVerifiedBackup({ stack, live, report })),
  );
}

async function requireTypedName(stack: string, given: string | undefined): Promise<void> {
  const typed =
    given ??
    (await ask(
      `This deletes every memory of stack ${stack}, and its secrets: of secrets/${SEAL_KEY_FILE} keep a copy if a backup of it may ` +
        "be restored one day. Type its name to go on: ",
      "--yes-delete NAME_OF_THE_STACK",
    ));
  if (typed === stack) return;
  throw new Problem(`nothing was deleted: the stack's name is ${stack}, not ${JSON.stringify(typed)}`, {
    exitCode: ExitCode.usage,
  });
}
