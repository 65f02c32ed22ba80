import type { Command } from "commander";
import prettyBytes from "pretty-bytes";
import { type Catalogue, readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { accept, discard, judge, type Listed, pin, prune } from "../ops/backup/keep/keeping.ts";
import type { Kept, RetentionPlan } from "../ops/backup/keep/retention.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { stackWithBackups } from "./cli/context.ts";
import { printJson, table } from "./cli/output.ts";

interface Options {
  json?: boolean;
  prune?: boolean;
  dryRun?: boolean;
}

const HELP = `
Subcommands: accept TS, discard TS, pin TS NAME, unpin TS (each with --stack).

Exit codes: 0 all well; 1 a suspect or damaged backup waits for judgement; 6 another run is at work.

Examples:
  ./mem0 backups
  ./mem0 backups --prune --dry-run
  ./mem0 backups accept 20261124_023000
  ./mem0 backups pin 20261124_023000 before-the-move`;

export function register(program: Command): void {
  const backups = program
    .command("backups")
    .description("which backups there are, why each is kept and until when")
    .argument("[stack]", "stack", "test")
    .option("--prune", "remove what the settings no longer keep")
    .option("--dry-run", "with --prune: only say what would be removed")
    .option("--json", "print the report as JSON")
    .addHelpText("after", HELP)
    .action(list);
  const sub = (name: string, description: string) =>
    backups.command(name).description(description).option("--stack <stack>", "stack", "test");
  sub("accept <ts>", "take a suspect backup for good").action((ts: string, { stack }: { stack: string }) =>
    change(stack, (root) => accept(root, ts), `backup ${ts} is accepted: it counts from now on`),
  );
  sub("discard <ts>", "delete a suspect or damaged backup").action(
    (ts: string, { stack }: { stack: string }) =>
      change(stack, (root) => discard(root, ts), `backup ${ts} is deleted`),
  );
  sub("pin <ts> <name>", "keep a backup for good, under a name").action(
    (ts: string, name: string, { stack }: { stack: string }) =>
      change(stack, (root) => pin(root, ts, name), `backup ${ts} is kept for good: ${name}`),
  );
  sub("unpin <ts>", "let a pinned backup go when its time comes").action(
    (ts: string, { stack }: { stack: string }) =>
      change(stack, (root) => pin(root, ts, undefined), `backup ${ts} is no longer pinned`),
  );
}

async function change(name: string, work: (root: string) => unknown, done: string): Promise<void> {
  const { stack } = stackWithBackups(name);
  await withBackupLock(stack.directory, async () => work(stack.backup.root));
  console.log(done);
}

async function list(name: string, options: Options): Promise<void> {
  if (options.dryRun === true && options.prune !== true) {
    throw new Problem("--dry-run goes with --prune", { exitCode: ExitCode.usage });
  }
  const context = stackWithBackups(name);
  const { directory, backup: settings } = context.stack;
  const pruned =
    options.prune === true && options.dryRun !== true
      ? await withBackupLock(directory, async () => prune(settings.root, settings.keep, new Date()))
      : undefined;
  const catalogue = readCatalogue(settings.root);
  const plan = judge(catalogue, settings.keep, new Date());
  const removed = pruned?.removed ?? [];
  const toRemove = options.dryRun === true ? plan.removed : [];
  if (options.json === true) printJson(report(context, catalogue, plan, { removed, toRemove }));
  else console.log(render(context, catalogue, plan, { removed, toRemove }));
  process.exitCode = plan.kept.some(({ backup }) => backup.result !== "good") ? ExitCode.failed : ExitCode.ok;
}

type StackWithBackups = ReturnType<typeof stackWithBackups>;
type Removal = Record<"removed" | "toRemove", Listed[]>;

function report(
  { stack }: StackWithBackups,
  catalogue: Catalogue,
  plan: RetentionPlan<Listed>,
  removal: Removal,
): unknown {
  const ids = (list: Listed[]) => list.map(({ tier, id }) => ({ tier, id }));
  return {
    stack: stack.name,
    root: stack.backup.root,
    keep: stack.backup.keep,
    backups: [
      ...plan.kept.map(({ backup: one, reasons, until }) => ({
        ...shown(one),
        reasons,
        until: until ?? null,
      })),
      ...plan.removed.map((one) => ({ ...shown(one), reasons: [], until: null })),
    ],
    stopped: plan.stopped ?? null,
    removed: ids(removal.removed),
    toRemove: ids(removal.toRemove),
    unfinished: catalogue.unfinished,
    foreign: foreign(catalogue),
  };
}

function shown({ id, tier, cutAt, result, pin: name, backup, directory, wrong }: Listed) {
  return {
    id,
    tier,
    result,
    cutAt,
    pin: name ?? null,
    bytes: backup?.bytes ?? null,
    counts: backup?.manifest.counts ?? null,
    encrypted: backup === undefined ? null : backup.manifest.encryption !== null,
    directory,
    wrong: wrong ?? null,
  };
}

/** Directories named like backups that this tool did not make, as those of the old guide. */
function foreign(catalogue: Catalogue): string[] {
  return catalogue.damaged.filter(({ kind }) => kind === "no-manifest").map(({ directory }) => directory);
}

function render(
  { stack, used }: StackWithBackups,
  catalogue: Catalogue,
  plan: RetentionPlan<Listed>,
  { removed, toRemove }: Removal,
): string {
  const old = foreign(catalogue);
  const { root } = stack.backup;
  if (!used || plan.kept.length + old.length === 0) {
    return `no backups in ${root}; make one: ./mem0 backup ${stack.name}`;
  }
  const names = (list: Listed[]) => list.map(({ tier, id }) => `${tier} ${id}`).join(", ");
  return [
    `backups of stack ${stack.name} in ${root}`,
    "",
    table(["backup", "tier", "result", "memories", "size", "kept until", "because"], plan.kept.map(row)),
    ...plan.kept.flatMap(({ backup: one }) => (one.wrong === undefined ? [] : [judgement(one, stack.name)])),
    ...(plan.stopped === undefined ? [] : ["", plan.stopped]),
    ...(removed.length === 0 ? [] : ["", `removed: ${names(removed)}`]),
    ...(toRemove.length === 0 ? [] : ["", `--prune would remove: ${names(toRemove)}`]),
    ...(old.length === 0 ? [] : ["", `made by another tool, never removed by this one: ${old.join(", ")}`]),
  ].join("\n");
}

function row({ backup: one, reasons, until }: Kept<Listed>): string[] {
  return [
    one.id,
    one.tier,
    one.result,
    String(one.backup?.manifest.counts.memories ?? ""),
    one.backup === undefined ? "" : prettyBytes(one.backup.bytes, { binary: true }),
    until === undefined ? "" : `${until.toISOString().slice(0, 16).replace("T", " ")}Z`,
    reasons.map(({ why }) => why).join("; "),
  ];
}

function judgement({ id, result, wrong }: Listed, stack: string): string {
  const ways =
    result === "suspect"
      ? `./mem0 backups accept ${id} --stack ${stack}, or ./mem0 backups discard ${id} --stack ${stack}`
      : `./mem0 backups discard ${id} --stack ${stack}`;
  return `\n${id} is ${result}: ${wrong}\n  mend:  ${ways}`;
}
