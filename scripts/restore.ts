import { Option } from "commander";
import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import type { OnBytes } from "../ops/backup/format/part-files.ts";
import type { RestoreReport } from "../ops/backup/restore/exchange.ts";
import { leftWithoutEngine } from "../ops/backup/restore/journal.ts";
import { metered } from "../ops/backup/restore/metered.ts";
import { findRestorable, type Restorable } from "../ops/backup/restore/restorable.ts";
import { continueRestore, finishRestore, restore, rollBack } from "../ops/backup/restore/restore.ts";
import type { RestoredStore } from "../ops/backup/restore/swap.ts";
import { RESTORED } from "../ops/backup/restore/swap.ts";
import type { RestoreTools } from "../ops/backup/restore/tools.ts";
import { NOT_BROUGHT_BACK, restoreUser, type UserReport } from "../ops/backup/restore/user.ts";
import { keepSealKeys, sealKeysOf } from "../ops/backup/seal-keys.ts";
import { requireTrusted } from "../ops/backup/trust.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { counted } from "../ops/base/words.ts";
import type { DeployedStack } from "../ops/stack/deployed-stack.ts";
import packageJson from "../package.json" with { type: "json" };
import type { Call } from "./cli/call.ts";
import { SEAL_KEY_OPTION, TRUST_OPTION } from "./cli/seal-options.ts";
import { defineVerb, type Outcome } from "./cli/verb.ts";

interface Options {
  only?: RestoredStore;
  user?: string;
  from?: "dump" | "files";
  adopt?: boolean;
  trust?: boolean;
  sealKey?: string;
  leaveOutUnknown?: boolean;
  identity?: string;
  safetyBackup: boolean;
  continue?: boolean;
  rollBack?: boolean;
  finish?: boolean;
}

export const verb = defineVerb<Options>({
  declare: (command) =>
    command
      .argument("[ts]", "backup: an id, `latest`, or the directory of one of the old operations guide's form")
      .addOption(new Option("--only <store>", "this store alone").choices(RESTORED))
      .addOption(
        new Option("--from <form>", "restore Postgres from this part of the backup").choices([
          "dump",
          "files",
        ]),
      )
      .option("--user <name>", "only this user's memories, into the running stack")
      .option("--adopt", "take over data of another instance, or data that tells no identity")
      .option("--trust", TRUST_OPTION)
      .option("--seal-key <file>", `${SEAL_KEY_OPTION}, from then on`)
      .option("--leave-out-unknown", "go on without what a dump of Postgres holds and no stack has")
      .option("--identity <file>", "age identity, for encrypted backups")
      .option("--no-safety-backup", "do not back up what is live first, for stores that are beyond it")
      .option("--continue", "go on with a restore that was cut off")
      .option("--roll-back", "let what was live before the restore serve again")
      .option("--finish", "remove what an ended restore keeps aside; there is no way back then"),
  asks: "before prd is changed",
  json: "the report",
  notes:
    "What is live is backed up first, the backup is restored beside it and checked there, and only then do the two\n" +
    "change places. What was live before is kept aside until --finish, or until the next restore.",
  exits: {
    failed: "failed: what was live serves, or the message tells the one command that helps",
    busy: "another run is at work on this stack's backups",
  },
  examples: [
    "restore 20261124_023000",
    "restore 20261124_023000 --only postgres",
    "restore 20261124_023000 --user me",
    "restore /Volumes/Data/backups/mem0/daily/20251104_023000 --adopt --trust",
    "restore --roll-back",
  ],
  run: async (call) => {
    const { options } = call;
    const [ts] = call.args;
    requireOneWish(ts, options, call.stack);
    const { stack } = call.backups();
    const what = ts === undefined ? "The data of prd changes" : `prd gets the data of ${ts}`;
    await call.consent(`${what}; it does not serve for a moment.`);
    const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
    const keys = sealKeysOf(stack, options.sealKey);
    const open = (named: string) => {
      const found = findRestorable(stack.backup.root, named, identity, keys);
      requireTrusted(found, { stack: stack.name, trust: options.trust === true });
      return found;
    };
    if (ts === undefined) {
      return onTools(call, stack, (tools, onBytes) =>
        goOn(tools, options, (named) => metered(open(named), onBytes)),
      );
    }
    const backup = open(ts);
    if (options.user !== undefined) return bringUserBack(call, stack, backup, options.user);
    const { only, from, adopt, leaveOutUnknown, safetyBackup } = options;
    return onTools(call, stack, async (tools, onBytes) => {
      const report = await restore(tools, metered(backup, onBytes), {
        ...(only === undefined ? {} : { only }),
        ...(from === undefined ? {} : { from }),
        adopt: adopt === true,
        leaveOutUnknown: leaveOutUnknown === true,
        safetyBackup,
      });
      return restored(stack, report, options);
    });
  },
});

function requireOneWish(ts: string | undefined, options: Options, stack: string): void {
  if (options.user !== undefined && (ts === undefined || options.only !== undefined)) {
    throw new Problem("--user goes with a backup, and not with --only", {
      mend: `./mem0 restore TS --user ${options.user} --stack ${stack}`,
      exitCode: ExitCode.usage,
    });
  }
  const wishes = [ts, options.continue, options.rollBack, options.finish].filter(
    (wish) => wish !== undefined,
  );
  if (wishes.length === 1) return;
  throw new Problem("name one backup, or give one of --continue, --roll-back, --finish", {
    mend: `./mem0 backups ${stack} lists what there is; ./mem0 restore --help`,
    exitCode: ExitCode.usage,
  });
}

async function goOn(
  tools: RestoreTools,
  options: Options,
  open: (directory: string) => Restorable,
): Promise<Outcome> {
  const stack = tools.stack.name;
  if (options.finish === true) {
    await finishRestore(tools);
    return { text: "what the last restore kept aside is removed", json: { stack, finished: true } };
  }
  const report = options.continue === true ? await continueRestore(tools, open) : undefined;
  if (report !== undefined) return restored(tools.stack, report, options);
  if (options.rollBack === true) await rollBack(tools);
  return { text: "what was live before the restore serves", json: { stack, rolledBack: true } };
}

/** Runs work on the stack with its progress shown and logged; it takes the stack's lock by itself. */
function onTools(
  call: Call<Options>,
  stack: DeployedStack,
  work: (tools: RestoreTools, onBytes: OnBytes) => Promise<Outcome>,
): Promise<Outcome> {
  const loss = () => leftWithoutEngine(stack.directory, stack.name);
  const now = () => new Date();
  const toolVersion = packageJson.version;
  return call.runOnEngine(
    { title: `restore stack ${stack.name}`, name: "restore", loss },
    ({ report, onBytes }) =>
      work({ stack, now, report, toolVersion, signal: call.interruption.signal }, onBytes),
  );
}

async function bringUserBack(
  call: Call<Options>,
  stack: DeployedStack,
  backup: Restorable,
  user: string,
): Promise<Outcome> {
  const report = await call.runOnEngine(
    {
      title: `bring back the memories of ${user}`,
      name: "restore",
      locked: true,
      loss: () => leftWithoutEngine(stack.directory, stack.name),
    },
    ({ report: say, onBytes }) =>
      restoreUser(stack, metered(backup, onBytes), {
        user,
        leaveOutUnknown: call.options.leaveOutUnknown === true,
        report: say,
        progress: (lines) => say(`${counted(lines, "line")} imported`, true),
      }),
  );
  return {
    text: renderUser(report),
    json: { ...report, notBroughtBack: NOT_BROUGHT_BACK },
    exit: report.failed === 0 ? "ok" : "failed",
  };
}

/** The data goes on in this stack, and so does the key that sealed it. */
function restored(of: DeployedStack, report: RestoreReport, { sealKey }: Options): Outcome {
  keepSealKeys(of, sealKey);
  const stack = of.name;
  const { backup, stores, memories, safetyBackup, seconds, downSeconds, lacks } = report;
  const lines = [
    `stack ${stack} serves ${stores.join(", ")} of backup ${backup}${memories === undefined ? "" : `: ${counted(memories, "memory")}`}`,
    `  took         ${prettyMs(seconds * 1000)}, of which it did not serve for ${prettyMs(downSeconds * 1000)}`,
    `  before it    ${safetyBackup === undefined ? "no backup was made" : `backup ${safetyBackup}, pinned`}`,
    ...lacks.map((lack) => `  note         ${lack}`),
    `  way back     ./mem0 restore --roll-back --stack ${stack}`,
    `  no way back  ./mem0 restore --finish --stack ${stack} removes what was live before`,
  ];
  const json = { stack, ...report, memories: memories ?? null, safetyBackup: safetyBackup ?? null };
  return { text: lines.join("\n"), json };
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
    `${user}: ${added} of ${counted(memories, "memory")} in backup ${backup} came back, ${skipped} were there; ${counted(relations, "relation")}`,
    ...(failed === 0 ? [] : [`  ${failed} could not be taken, the first: ${failures[0]?.reason}`]),
    ...NOT_BROUGHT_BACK.map((line) => `  note         ${line}`),
  ].join("\n");
}
