import { type Command, Option } from "commander";
import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import type { OnBytes } from "../ops/backup/format/part-files.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { leftWithoutEngine } from "../ops/backup/restore/journal.ts";
import { metered } from "../ops/backup/restore/metered.ts";
import { findRestorable, type Restorable } from "../ops/backup/restore/restorable.ts";
import {
  continueRestore,
  finishRestore,
  type RestoreReport,
  restore,
  rollBack,
} from "../ops/backup/restore/restore.ts";
import type { RestoredStore } from "../ops/backup/restore/swap.ts";
import { RESTORED } from "../ops/backup/restore/swap.ts";
import type { RestoreTools } from "../ops/backup/restore/tools.ts";
import { NOT_BROUGHT_BACK, restoreUser, type UserReport } from "../ops/backup/restore/user.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { withLastingDocker } from "../ops/docker/engine-watch.ts";
import type { DeployedStack } from "../ops/stack/deployed-stack.ts";
import packageJson from "../package.json" with { type: "json" };
import { ask } from "./cli/ask.ts";
import { stackWithBackups } from "./cli/context.ts";
import { type LoggedRun, runLogged } from "./cli/logged-step.ts";
import { printJson } from "./cli/output.ts";

interface Options {
  stack: string;
  only?: RestoredStore;
  user?: string;
  from?: "dump" | "files";
  adopt?: boolean;
  identity?: string;
  safetyBackup: boolean;
  continue?: boolean;
  rollBack?: boolean;
  finish?: boolean;
  yes?: boolean;
  json?: boolean;
}

const HELP = `
What is live is backed up first, the backup is restored beside it and checked there, and only then do the two change
places. What was live before is kept aside until --finish, or until the next restore.

Exit codes: 0 done; 1 failed: what was live serves, or the message tells the one command that helps; 2 wrong usage;
6 another run is at work; 130 interrupted.

Examples:
  ./mem0 restore 20261124_023000
  ./mem0 restore 20261124_023000 --only postgres
  ./mem0 restore 20261124_023000 --user me
  ./mem0 restore /Volumes/Data/backups/mem0/daily/20251104_023000 --adopt
  ./mem0 restore --roll-back`;

export function register(program: Command): void {
  program
    .command("restore")
    .description("bring back what a backup holds, beside the live data first")
    .argument("[ts]", "backup: an id, `latest`, or the directory of one of the old operations guide's form")
    .option("-s, --stack <stack>", "stack", "test")
    .addOption(new Option("--only <store>", "this store alone").choices(RESTORED))
    .addOption(
      new Option("--from <form>", "restore Postgres from this part of the backup").choices(["dump", "files"]),
    )
    .option("--user <name>", "only this user's memories, into the running stack")
    .option("--adopt", "take over data of another instance, or data that tells no identity")
    .option("--identity <file>", "age identity, for encrypted backups")
    .option("--no-safety-backup", "do not back up what is live first, for stores that are beyond it")
    .option("--continue", "go on with a restore that was cut off")
    .option("--roll-back", "let what was live before the restore serve again")
    .option("--finish", "remove what an ended restore keeps aside; there is no way back then")
    .option("-y, --yes", "do not ask before prd is changed")
    .option("--json", "print the report as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(ts: string | undefined, options: Options): Promise<void> {
  const wishes = [ts, options.continue, options.rollBack, options.finish].filter(
    (wish) => wish !== undefined,
  );
  if (options.user !== undefined && (ts === undefined || options.only !== undefined)) {
    throw new Problem("--user goes with a backup, and not with --only", {
      mend: `./mem0 restore TS --user ${options.user} --stack ${options.stack}`,
      exitCode: ExitCode.usage,
    });
  }
  if (wishes.length !== 1) {
    throw new Problem("name one backup, or give one of --continue, --roll-back, --finish", {
      mend: `./mem0 backups ${options.stack} lists what there is; ./mem0 restore --help`,
      exitCode: ExitCode.usage,
    });
  }
  const { stack } = stackWithBackups(options.stack);
  if (options.stack === "prd" && options.yes !== true) await requireConsent(ts);
  const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
  const open = (named: string) => findRestorable(stack.backup.root, named, identity);
  if (ts === undefined) {
    return withTools(stack, options, (tools, onBytes) =>
      goOn(tools, options, (named) => metered(open(named), onBytes)),
    );
  }
  const backup = open(ts);
  if (options.user !== undefined) return bringUserBack(stack, options, backup, options.user);
  await withTools(stack, options, async (tools, onBytes) => {
    const { only, from, adopt, safetyBackup } = options;
    const report = await restore(tools, metered(backup, onBytes), {
      ...(only === undefined ? {} : { only }),
      ...(from === undefined ? {} : { from }),
      adopt: adopt === true,
      safetyBackup,
    });
    return () => tell(report, options);
  });
}

async function goOn(
  tools: RestoreTools,
  options: Options,
  open: (directory: string) => Restorable,
): Promise<() => void> {
  if (options.finish === true) {
    await finishRestore(tools);
    return () => say(options, "what the last restore kept aside is removed", { finished: true });
  }
  const report = options.continue === true ? await continueRestore(tools, open) : undefined;
  if (report !== undefined) return () => tell(report, options);
  if (options.rollBack === true) await rollBack(tools);
  return () => say(options, "what was live before the restore serves", { rolledBack: true });
}

/** Runs work on the stack with its progress shown and logged, and then prints what it says. */
async function withTools(
  stack: DeployedStack,
  options: Options,
  work: (tools: RestoreTools, onBytes: OnBytes) => Promise<() => void>,
): Promise<void> {
  const now = () => new Date();
  const print = await runLogged(runOf(options, stack, `restore stack ${stack.name}`), (telling) => {
    const { report, onBytes } = telling;
    const toolVersion = packageJson.version;
    return onEngine(stack, () => work({ stack, now, report, toolVersion }, onBytes));
  });
  print();
}

function runOf({ json }: Options, { directory }: DeployedStack, title: string): LoggedRun {
  return { title, json: json === true, stateDir: directory, name: "restore" };
}

/** An engine that goes away on the way leaves a person with the one command that helps. */
function onEngine<T>({ dockerHost, directory, name }: DeployedStack, work: () => Promise<T>): Promise<T> {
  return withLastingDocker(dockerHost, work, () => leftWithoutEngine(directory, name));
}

async function bringUserBack(
  stack: DeployedStack,
  options: Options,
  backup: Restorable,
  user: string,
): Promise<void> {
  const run = runOf(options, stack, `bring back the memories of ${user}`);
  const report = await runLogged(run, ({ report: say, onBytes }) =>
    withBackupLock(stack.directory, () =>
      onEngine(stack, () =>
        restoreUser(stack, metered(backup, onBytes), {
          user,
          report: say,
          progress: (lines) => say(`${lines} lines imported`, true),
        }),
      ),
    ),
  );
  if (options.json === true) printJson({ ...report, notBroughtBack: NOT_BROUGHT_BACK });
  else console.log(renderUser(report));
  process.exitCode = report.failed === 0 ? ExitCode.ok : ExitCode.failed;
}

async function requireConsent(ts: string | undefined): Promise<void> {
  const what = ts === undefined ? "The data of prd changes" : `prd gets the data of ${ts}`;
  const answer = await ask(
    `${what}; it does not serve for a moment. Go on? [y/N] `,
    "the same command with --yes",
  );
  if (!/^y(es)?$/i.test(answer)) throw new Problem("nothing was changed");
}

function say(options: Options, text: string, json: object): void {
  if (options.json === true) printJson({ stack: options.stack, ...json });
  else console.log(text);
}

function tell(report: RestoreReport, options: Options): void {
  const { backup, stores, memories, safetyBackup, seconds, downSeconds, lacks } = report;
  const json = { ...report, memories: memories ?? null, safetyBackup: safetyBackup ?? null };
  const lines = [
    `stack ${options.stack} serves ${stores.join(", ")} of backup ${backup}${memories === undefined ? "" : `: ${memories} memories`}`,
    `  took         ${prettyMs(seconds * 1000)}, of which it did not serve for ${prettyMs(downSeconds * 1000)}`,
    `  before it    ${safetyBackup === undefined ? "no backup was made" : `backup ${safetyBackup}, pinned`}`,
    ...lacks.map((lack) => `  note         ${lack}`),
    `  way back     ./mem0 restore --roll-back --stack ${options.stack}`,
    `  no way back  ./mem0 restore --finish --stack ${options.stack} removes what was live before`,
  ];
  say(options, lines.join("\n"), json);
}

function renderUser({
  user,
  backup,
  memories,
  added,
  skipped,
  relations,
  failed,
  failures,
}: UserReport): string {
  return [
    `${user}: ${added} of ${memories} memories in backup ${backup} came back, ${skipped} were there; ${relations} relations`,
    ...(failed === 0 ? [] : [`  ${failed} could not be taken, the first: ${failures[0]?.reason}`]),
    ...NOT_BROUGHT_BACK.map((line) => `  note         ${line}`),
  ].join("\n");
}
