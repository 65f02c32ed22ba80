import { Problem } from "../../base/problem.ts";
import { counted } from "../../base/words.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { SEAL_WORDS } from "../format/seal.ts";
import { newestGood, readCatalogue } from "../keep/catalogue.ts";
import { withBackupLock } from "../lock.ts";
import { sealKeysOf } from "../seal-keys.ts";
import { verifyAll } from "./verify.ts";

/** What stands between a stack's data and its deletion. */
export interface DeletionGuard {
  stack: DeployedStack;
  /** How many memories are live; undefined when Postgres does not answer. */
  live: number | undefined;
  report: (line: string) => void;
}

/**
 * Lets data be deleted only when the newest good backup is sealed by the stack, where it seals, can be read to its last
 * byte, and holds as many memories as are live.
 *
 * @throws Problem that says what there is instead
 */
export async function requireVerifiedBackup(guard: DeletionGuard): Promise<void> {
  const { stack: deployed, live, report } = guard;
  const stack = deployed.name;
  const keys = sealKeysOf(deployed);
  const newest = newestGood(readCatalogue(deployed.backup.root, keys));
  if (newest === undefined) {
    throw refusal(stack, "there is none", `./mem0 backup ${stack}, or: ${keepsData(stack)}`);
  }
  if (keys.length > 0 && newest.sealed !== "this-stack") {
    throw refusal(stack, `${newest.id} is ${SEAL_WORDS[newest.sealed]}`, `./mem0 backup ${stack}`);
  }
  const held = newest.manifest.counts.memories;
  if (live !== undefined && live !== held) {
    throw refusal(
      stack,
      `${newest.id} holds ${counted(held, "memory")}, live are ${live}`,
      `./mem0 backup ${stack}`,
    );
  }
  report(`verifying backup ${newest.id}`);
  const on = {
    begin: () => {},
    check: ({ name, found }: { name: string; found: string }) => report(`${name}: ${found}`),
  };
  const [verified] = await withBackupLock(deployed.directory, () =>
    verifyAll(deployed, [newest], undefined, on),
  );
  const wrong = verified?.checks.find(({ ok }) => !ok);
  if (wrong === undefined) return;
  throw refusal(
    stack,
    `${newest.id}: ${wrong.found}`,
    `./mem0 verify --stack ${stack} --identity FILE tells more`,
  );
}

/** The refusal to delete a stack's data, with its reason. */
export function refusal(stack: string, why: string, mend = keepsData(stack)): Problem {
  return new Problem(`the data of ${stack} is not deleted without a verified backup: ${why}`, { mend });
}

function keepsData(stack: string): string {
  return `./mem0 down ${stack} removes the containers and keeps the data`;
}
