import { SEAL_WORDS } from "../ops/backup/format/seal.ts";
import { type Catalogue, readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { accept, discard, judge, type Listed, pin, prune } from "../ops/backup/keep/keeping.ts";
import { type Kept, type RetentionPlan, waitsForJudgement } from "../ops/backup/keep/retention.ts";
import { withBackupLock } from "../ops/backup/lock.ts";
import { sealKeysOf } from "../ops/backup/seal-keys.ts";
import { byteSize } from "../ops/base/byte-size.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import type { DeployedStack } from "../ops/stack/deployed-stack.ts";
import { table } from "./cli/table.ts";
import { defineVerb, type Subverb } from "./cli/verb.ts";

const BUSY = "another run is at work on this stack's backups";

export const verb = defineVerb<{ prune?: boolean; dryRun?: boolean }>({
  declare: (command) =>
    command
      .option("--prune", "remove what the settings no longer keep")
      .option("--dry-run", "with --prune: only say what would be removed"),
  json: "the report",
  exits: { ok: "all is well", failed: "a suspect or damaged backup waits for judgement", busy: BUSY },
  examples: [
    "backups",
    "backups --prune --dry-run",
    "backups accept 20261124_023000",
    "backups pin 20261124_023000 before-the-move",
  ],
  subverbs: [
    change("accept", "take a suspect backup for good", [], (stack, ts) => {
      accept(stack.backup.root, ts, sealKeysOf(stack));
      return `backup ${ts} is accepted: it counts from now on`;
    }),
    change("discard", "delete a suspect or damaged backup, or one of another stack", [], (stack, ts) => {
      discard(stack.backup.root, ts, sealKeysOf(stack));
      return `backup ${ts} is deleted`;
    }),
    change("pin", "keep a backup for good, under a name", ["name"], ({ backup: { root } }, ts, name) => {
      pin(root, ts, name);
      return `backup ${ts} is kept for good: ${name}`;
    }),
    change("unpin", "let a pinned backup go when its time comes", [], ({ backup: { root } }, ts) => {
      pin(root, ts, undefined);
      return `backup ${ts} is no longer pinned`;
    }),
  ],
  run: async (call) => {
    const { options } = call;
    if (options.dryRun === true && options.prune !== true) {
      throw new Problem("--dry-run goes with --prune", { exitCode: ExitCode.usage });
    }
    const found = call.backups();
    const { directory, backup: settings } = found.stack;
    const keys = sealKeysOf(found.stack);
    const pruned =
      options.prune === true && options.dryRun !== true
        ? await withBackupLock(directory, async () => prune(settings.root, settings.keep, new Date(), keys))
        : undefined;
    const catalogue = readCatalogue(settings.root, keys);
    const plan = judge(catalogue, settings.keep, new Date());
    const removal = {
      removed: pruned?.removed ?? [],
      toRemove: options.dryRun === true ? plan.removed : [],
    };
    return {
      text: render(found, catalogue, plan, removal),
      json: report(found, catalogue, plan, removal),
      exit: plan.kept.some(({ backup }) => waitsForJudgement(backup)) ? "failed" : "ok",
    };
  },
});

/** A subcommand that changes what is kept of one backup. */
function change(
  name: string,
  summary: string,
  more: string[],
  work: (stack: DeployedStack, ts: string, more: string) => string,
): Subverb {
  const verb = defineVerb({
    declare: (command) => command.arguments(["<ts>", ...more.map((one) => `<${one}>`)].join(" ")),
    exits: { busy: BUSY },
    examples: [["backups", name, "20261124_023000", ...more.map((one) => one.toUpperCase())].join(" ")],
    run: async (call) => {
      const [ts = "", second = ""] = call.args;
      const { stack } = call.backups();
      return { text: await withBackupLock(stack.directory, async () => work(stack, ts, second)) };
    },
  });
  return { name, summary, verb };
}

interface StackWithBackups {
  stack: DeployedStack;
  used: boolean;
}

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
    foreign: ofOtherTools(catalogue),
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
    sealed: backup?.sealed ?? null,
    encrypted: backup === undefined ? null : backup.manifest.encryption !== null,
    directory,
    wrong: wrong ?? null,
  };
}

/** Directories named like backups that this tool did not make, as those of the old guide. */
function ofOtherTools(catalogue: Catalogue): string[] {
  return catalogue.damaged.filter(({ kind }) => kind === "no-manifest").map(({ directory }) => directory);
}

function render(
  { stack, used }: StackWithBackups,
  catalogue: Catalogue,
  plan: RetentionPlan<Listed>,
  { removed, toRemove }: Removal,
): string {
  const old = ofOtherTools(catalogue);
  const { root } = stack.backup;
  if (!used || plan.kept.length + old.length === 0) {
    return `no backups in ${root}; make one: ./mem0 backup ${stack.name}`;
  }
  const names = (list: Listed[]) => list.map(({ tier, id }) => `${tier} ${id}`).join(", ");
  return [
    `backups of stack ${stack.name} in ${root}`,
    "",
    table(["backup", "tier", "result", "memories", "size", "kept until", "because"], plan.kept.map(row)),
    ...plan.kept.flatMap(({ backup: one }) =>
      one.wrong === undefined || one.result === "foreign" ? [] : [judgement(one, stack.name)],
    ),
    ...(catalogue.foreign.length === 0 ? [] : [foreignNote(stack.name)]),
    ...(plan.stopped === undefined ? [] : ["", plan.stopped]),
    ...(removed.length === 0 ? [] : ["", `removed: ${names(removed)}`]),
    ...(toRemove.length === 0 ? [] : ["", `--prune would remove: ${names(toRemove)}`]),
    ...(old.length === 0 ? [] : ["", `made by another tool, never removed by this one: ${old.join(", ")}`]),
  ].join("\n");
}

function row({ backup: one, reasons, until }: Kept<Listed>): string[] {
  const sealed = one.backup?.sealed;
  const doubt = sealed === undefined || sealed === "this-stack" ? [] : [SEAL_WORDS[sealed]];
  return [
    one.id,
    one.tier,
    one.result,
    String(one.backup?.manifest.counts.memories ?? ""),
    one.backup === undefined ? "" : byteSize(one.backup.bytes),
    until === undefined ? "" : `${until.toISOString().slice(0, 16).replace("T", " ")}Z`,
    [...reasons.map(({ why }) => why), ...doubt].join("; "),
  ];
}

function foreignNote(stack: string): string {
  return (
    `\nforeign ones were not made by stack ${stack}, as far as its seals tell: they count for nothing and are not removed\n` +
    `  mend:  of a stack that you had before: restore with its key (--seal-key FILE), and they are its own from then on; ` +
    `else ./mem0 backups discard TS --stack ${stack} deletes one`
  );
}

function judgement({ id, result, wrong }: Listed, stack: string): string {
  if (result === "newer") return `\n${id}: ${wrong}`;
  const discarding = `./mem0 backups discard ${id} --stack ${stack}`;
  const ways =
    result === "suspect" ? `./mem0 backups accept ${id} --stack ${stack}, or ${discarding}` : discarding;
  return `\n${id} is ${result}: ${wrong}\n  mend:  ${ways}`;
}
