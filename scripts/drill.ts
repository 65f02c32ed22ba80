import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import { newestGood, readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { type DrillReport, drill } from "../ops/backup/prove/drill.ts";
import { metered } from "../ops/backup/restore/metered.ts";
import { findRestorable } from "../ops/backup/restore/restorable.ts";
import { sealKeysOf } from "../ops/backup/seal-keys.ts";
import { requireTrusted } from "../ops/backup/trust.ts";
import type { Check } from "../ops/base/check.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { counted } from "../ops/base/words.ts";
import { checkLine } from "./cli/output.ts";
import { SEAL_KEY_OPTION, TRUST_OPTION } from "./cli/seal-options.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb<{ identity?: string; sealKey?: string; trust?: boolean }>({
  declare: (command) =>
    command
      .argument("[ts]", "backup (default: the newest good one)")
      .option("--identity <file>", "age identity, for encrypted backups")
      .option("--seal-key <file>", SEAL_KEY_OPTION)
      .option("--trust", TRUST_OPTION),
  json: "the report",
  notes:
    "The stack goes on; all that the drill makes is removed. How long it took is what a restore would take: it is kept\n" +
    "under the stack's state directory (backup/drills) and shown by the exporter.",
  exits: {
    ok: "restored, and all is well",
    failed: "it cannot be restored as it should",
    busy: "another run is at work on this stack's backups",
  },
  examples: ["drill"],
  run: async (call) => {
    const { options } = call;
    const { stack } = call.backups();
    const { root } = stack.backup;
    const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
    const keys = sealKeysOf(stack, options.sealKey);
    const named = call.args[0] ?? newestGood(readCatalogue(root, keys))?.id;
    if (named === undefined) {
      throw new Problem("there is no backup to drill with", {
        where: root,
        mend: `./mem0 backup ${stack.name}`,
      });
    }
    const backup = findRestorable(root, named, identity, keys);
    const made = backup.manifest;
    if (made === undefined) {
      throw new Problem("a backup of the old form tells no counts that a drill could compare", {
        where: backup.directory,
        mend: `restore it into a stack of its own: ./mem0 restore ${named} --adopt --stack NAME`,
        exitCode: ExitCode.usage,
      });
    }
    requireTrusted(backup, { stack: stack.name, trust: options.trust === true });
    const report = await call.runOnEngine(
      {
        title: `restore ${backup.id} into throw-away containers`,
        name: "drill",
        locked: true,
        loss: () => ({
          outcome: "nothing is known of the backup",
          mend: `./mem0 drill --stack ${stack.name}`,
        }),
        failed: ({ ok }: DrillReport) => !ok,
      },
      ({ report: say, onBytes }) => {
        const told = (check: Check) => {
          call.interruption.checkpoint();
          say(checkLine(check));
        };
        const opened = { ...metered(backup, onBytes), manifest: made };
        return drill(stack, opened, told, call.interruption.signal);
      },
    );
    return {
      text: summary(report),
      json: { ...report, reason: report.reason ?? null },
      exit: report.ok ? "ok" : "failed",
    };
  },
});

function summary({ backup, ok, seconds, checks, reason }: DrillReport): string {
  const head = ok
    ? `${backup} can be restored: ${counted(checks.length, "check")} well, ${prettyMs(seconds * 1000)} from nothing to searchable`
    : `${backup} CANNOT be restored as it should`;
  return [head, ...checks.map(checkLine), ...(reason === undefined ? [] : [`  ${reason}`])].join("\n");
}
