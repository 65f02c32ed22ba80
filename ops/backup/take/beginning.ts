import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "../../base/problem.ts";
import { backupId } from "../format/layout.ts";
import type { Catalogue } from "../keep/catalogue.ts";

/**
 * When a backup begins, and its id: later than every other, since a clock that was set back would let old backups look
 * new. Ids count seconds, so one that follows another at once waits for the next.
 *
 * @throws Problem when the clock stands before the newest backup
 */
export async function begin(
  root: string,
  { good, suspects, damaged }: Catalogue,
  now: () => Date,
  sleep: (milliseconds: number) => Promise<unknown> = delay,
): Promise<{ id: string; startedAt: Date }> {
  const newest = [...good, ...suspects, ...damaged]
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
