import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "../../base/problem.ts";
import { Throwaway } from "../../docker/throwaway.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { backupId } from "../format/layout.ts";
import type { Catalogue } from "../keep/catalogue.ts";
import { ensureRoot, onDisk, openToAll, ownerOf } from "../keep/root.ts";
import { beginPartial, removeDeadPartials } from "../keep/unfinished.ts";
import { mendNeo4j } from "../stores/neo4j/store-clone.ts";
import type { TakeOptions } from "./run.ts";

/** When a run was begun, and the id of its backup. */
export interface Beginning {
  id: string;
  startedAt: Date;
}

/**
 * Makes sure of the backup root, and begins a directory for unfinished work in it.
 *
 * @returns the directory
 */
export async function openRoot(
  stack: DeployedStack,
  { tier, now, report }: Pick<TakeOptions, "tier" | "now" | "report">,
): Promise<string> {
  const { root, recipients } = stack.backup;
  const { made, ownerless } = ensureRoot(root, ownerOf(stack));
  if (made) report(`made ${root} a backup root`);
  if (made && ownerless) report(openToAll(root));
  if (ownerless && recipients.length === 0) {
    report(
      `${root} keeps no permissions: everybody on this machine can read the backups; mem0:backup.recipients encrypts them`,
    );
  }
  return onDisk(root, async () => {
    for (const name of await removeDeadPartials(root))
      report(`removed ${name}, left by a run that was cut off`);
    return beginPartial(root, `${tier}-${backupId(now())}`);
  });
}

/** Mends in Docker what runs that were cut off have left. */
export async function mendCutOff(stack: DeployedStack, report: (line: string) => void): Promise<void> {
  await Throwaway.removeLeftovers(stack.docker, stack.manifest);
  if (await mendNeo4j(stack)) report("started Neo4j, which a run that was cut off had stopped");
}

/**
 * When a backup begins, and its id: later than every other, since a clock that was set back would let old backups look
 * new. Ids count seconds, so one that follows another at once waits for the next.
 *
 * @throws Problem when the clock stands before the newest backup
 */
export async function begin(
  root: string,
  { good, foreign, suspects, damaged }: Catalogue,
  now: () => Date,
  sleep: (milliseconds: number) => Promise<unknown> = delay,
): Promise<Beginning> {
  const newest = [...good, ...foreign, ...suspects, ...damaged]
    .map((entry) => entry.id)
    .sort()
    .at(-1);
  let startedAt = now();
  if (backupId(startedAt) === newest) {
    await sleep(1000 - startedAt.getMilliseconds());
    startedAt = now();
  }
  const id = backupId(startedAt);
  if (newest === undefined || id > newest) return { id, startedAt };
  throw new Problem(`the clock says ${id}, but there is a backup of ${newest}`, {
    where: root,
    mend: "was the clock set back? Set it right; if that backup is of the future, move it away",
  });
}
