import { InvalidArgumentError } from "commander";
import prettyMs from "pretty-ms";
import { readIdentity } from "../ops/backup/format/encryption.ts";
import { readCatalogue } from "../ops/backup/keep/catalogue.ts";
import { chooseForVerification } from "../ops/backup/keep/keeping.ts";
import { type Verified, verifyAll } from "../ops/backup/prove/verify.ts";
import { sealKeysOf } from "../ops/backup/seal-keys.ts";
import { byteSize } from "../ops/base/byte-size.ts";
import { Problem } from "../ops/base/problem.ts";
import { checkLine } from "./cli/output.ts";
import { SEAL_KEY_OPTION } from "./cli/seal-options.ts";
import { defineVerb } from "./cli/verb.ts";

interface Options {
  all?: boolean;
  sample?: number;
  identity?: string;
  sealKey?: string;
}

export const verb = defineVerb<Options>({
  declare: (command) =>
    command
      .argument("[ts]", "backup (default: the newest good one)")
      .option("--all", "every backup, the suspects too")
      .option("--sample <percent>", "this share of the backups, others each day", percent)
      .option("--identity <file>", "age identity, for encrypted backups")
      .option("--seal-key <file>", SEAL_KEY_OPTION),
  json: "the report",
  exits: {
    ok: "all are as they were written",
    failed: "one is not",
    busy: "another run is at work on this stack's backups",
  },
  examples: ["verify", "verify 20261124_023000", "verify --sample 10"],
  run: async (call) => {
    const { options } = call;
    const [ts] = call.args;
    const { stack } = call.backups();
    const { root } = stack.backup;
    const identity = options.identity === undefined ? undefined : readIdentity(options.identity);
    const keys = sealKeysOf(stack, options.sealKey);
    const catalogue = readCatalogue(root, keys);
    const { backups, damaged } = chooseForVerification(
      catalogue,
      { ...options, stack: stack.name, ts },
      new Date(),
    );
    if (backups.length + damaged.length === 0) {
      throw new Problem("there is no backup to verify", {
        where: root,
        mend: `./mem0 backup ${stack.name}`,
      });
    }
    const verified = await call.runOnEngine(
      {
        title: `verify backups of stack ${stack.name}`,
        name: "verify",
        locked: true,
        loss: () => ({
          outcome: "nothing is known of the backups",
          mend: `./mem0 verify --stack ${stack.name}`,
        }),
        failed: (result: Verified[]) => result.some(({ ok }) => !ok),
      },
      ({ report, onBytes }) =>
        verifyAll(stack, backups, identity, {
          begin: ({ tier, id, bytes }) => report(`${tier} ${id} (${byteSize(bytes)})`),
          check: (check) => {
            call.interruption.checkpoint();
            report(checkLine(check));
          },
          bytes: onBytes,
        }),
    );
    const all = [...verified, ...damaged.map(({ id, tier, reason }) => lost(id, tier, reason))];
    return {
      text: all.map(summary).join("\n"),
      json: { stack: stack.name, verified: all },
      exit: all.every(({ ok }) => ok) ? "ok" : "failed",
    };
  },
});

function percent(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 100)) throw new InvalidArgumentError("a number from 1 to 100");
  return value;
}

function lost(id: string, tier: string, reason: string): Verified {
  const checks = [{ name: "manifest", ok: false, found: reason }];
  return { id, tier, ok: false, sealed: undefined, checks, bytes: 0, seconds: 0 };
}

function summary({ id, tier, ok, checks, seconds, bytes }: Verified): string {
  const took = `${byteSize(bytes)}, ${prettyMs(seconds * 1000)}`;
  const head = `${tier} ${id}: ${ok ? `as it was written (${took})` : "NOT as it was written"}`;
  return [head, ...checks.map(checkLine)].join("\n");
}
