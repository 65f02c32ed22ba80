import { type Command, InvalidArgumentError } from "commander";
import prettyBytes from "pretty-bytes";
import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import { readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { chooseForVerification } from "../ops/backup/keep/keeping.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { type Verified, verifyAll } from "../ops/backup/prove/verify.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { withLastingDocker } from "../ops/docker/engine-watch.ts";
import { stackWithBackups } from "./cli/context.ts";
import { runLogged } from "./cli/logged-step.ts";
import { checkLine, printJson } from "./cli/output.ts";

interface Options {
  stack: string;
  all?: boolean;
  sample?: number;
  identity?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("verify")
    .description("read backups from the first byte to the last: checksums, structure, counts, identity")
    .argument("[ts]", "backup (default: the newest good one)")
    .option("-s, --stack <stack>", "stack", "test")
    .option("--all", "every backup, the suspects too")
    .option("--sample <percent>", "this share of the backups, others each day", percent)
    .option("--identity <file>", "age identity, for encrypted backups")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 all as they were written; 1 one is not; 2 wrong usage; 6 another run is at work.\n" +
        "\nExamples:\n  ./mem0 verify\n  ./mem0 verify 20261124_023000\n  ./mem0 verify --sample 10",
    )
    .action(verify);
}

function percent(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 100)) throw new InvalidArgumentError("a number from 1 to 100");
  return value;
}

async function verify(ts: string | undefined, options: Options): Promise<void> {
  const { stack } = stackWithBackups(options.stack);
  const { root } = stack.backup;
  const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
  const catalogue = readCatalogue(root);
  const { backups, damaged } = chooseForVerification(catalogue, { ...options, ts }, new Date());
  if (backups.length + damaged.length === 0) {
    throw new Problem("there is no backup to verify", {
      where: root,
      mend: `./mem0 backup ${options.stack}`,
    });
  }
  const json = options.json === true;
  const run = {
    title: `verify backups of stack ${options.stack}`,
    json,
    stateDir: stack.directory,
    name: "verify",
  };
  const verified = await runLogged(run, ({ report, onBytes }) =>
    withBackupLock(stack.directory, () =>
      withLastingDocker(
        stack.dockerHost,
        () =>
          verifyAll(stack, backups, identity, {
            begin: ({ tier, id, bytes }) => report(`${tier} ${id} (${prettyBytes(bytes, { binary: true })})`),
            check: (check) => report(checkLine(check)),
            bytes: onBytes,
          }),
        () => ({
          outcome: "nothing is known of the backups",
          mend: `./mem0 verify --stack ${options.stack}`,
        }),
        (result) => result.some(({ ok }) => !ok),
      ),
    ),
  );
  const all = [...verified, ...damaged.map(({ id, tier, reason }) => lost(id, tier, reason))];
  if (json) printJson({ stack: options.stack, verified: all });
  else console.log(all.map(summary).join("\n"));
  process.exitCode = all.every(({ ok }) => ok) ? ExitCode.ok : ExitCode.failed;
}

function lost(id: string, tier: string, reason: string): Verified {
  const checks = [{ name: "manifest", ok: false, found: reason }];
  return { id, tier, ok: false, checks, bytes: 0, seconds: 0 };
}

function summary({ id, tier, ok, checks, seconds, bytes }: Verified): string {
  const took = `${prettyBytes(bytes, { binary: true })}, ${prettyMs(seconds * 1000)}`;
  const head = `${tier} ${id}: ${ok ? `as it was written (${took})` : "NOT as it was written"}`;
  return [head, ...checks.map(checkLine)].join("\n");
}
