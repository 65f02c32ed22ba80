import type { Command } from "commander";
import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import { newestGood, readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { type DrillReport, drill } from "../ops/backup/prove/drill.ts";
import { metered } from "../ops/backup/restore/metered.ts";
import { findRestorable } from "../ops/backup/restore/restorable.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { withLastingDocker } from "../ops/docker/engine-watch.ts";
import { stackWithBackups } from "./cli/context.ts";
import { runLogged } from "./cli/logged-step.ts";
import { checkLine, printJson } from "./cli/output.ts";

interface Options {
  stack: string;
  identity?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("drill")
    .description("restore a backup into throw-away containers, and ask them what the stack would ask")
    .argument("[ts]", "backup (default: the newest good one)")
    .option("-s, --stack <stack>", "stack", "test")
    .option("--identity <file>", "age identity, for encrypted backups")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nThe stack goes on; all that the drill makes is removed. How long it took is what a restore would take: it is kept\n" +
        "under the stack's state directory (backup/drills) and shown by the exporter.\n" +
        "\nExit codes: 0 restored and all well; 1 not; 2 wrong usage; 6 another run is at work.\n" +
        "\nExample:\n  ./mem0 drill",
    )
    .action(run);
}

async function run(ts: string | undefined, options: Options): Promise<void> {
  const { stack } = stackWithBackups(options.stack);
  const { root } = stack.backup;
  const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
  const named = ts ?? newestGood(readCatalogue(root))?.id;
  if (named === undefined) {
    throw new Problem("there is no backup to drill with", {
      where: root,
      mend: `./mem0 backup ${options.stack}`,
    });
  }
  const backup = findRestorable(root, named, identity);
  const made = backup.manifest;
  if (made === undefined) {
    throw new Problem("a backup of the old form tells no counts that a drill could compare", {
      where: backup.directory,
      mend: `restore it into a stack of its own: ./mem0 restore ${named} --adopt --stack NAME`,
      exitCode: ExitCode.usage,
    });
  }
  const json = options.json === true;
  const run = {
    title: `restore ${backup.id} into throw-away containers`,
    json,
    stateDir: stack.directory,
    name: "drill",
  };
  const report = await runLogged(run, ({ report: say, onBytes }) =>
    withBackupLock(stack.directory, () =>
      withLastingDocker(
        stack.dockerHost,
        () => drill(stack, { ...metered(backup, onBytes), manifest: made }, (check) => say(checkLine(check))),
        () => ({ outcome: "nothing is known of the backup", mend: `./mem0 drill --stack ${options.stack}` }),
        ({ ok }) => !ok,
      ),
    ),
  );
  if (json) printJson({ ...report, reason: report.reason ?? null });
  else console.log(summary(report));
  process.exitCode = report.ok ? ExitCode.ok : ExitCode.failed;
}

function summary({ backup, ok, seconds, checks, reason }: DrillReport): string {
  const head = ok
    ? `${backup} can be restored: ${checks.length} checks are well, ${prettyMs(seconds * 1000)} from nothing to searchable`
    : `${backup} CANNOT be restored as it should`;
  return [head, ...checks.map(checkLine), ...(reason === undefined ? [] : [`  ${reason}`])].join("\n");
}
