import { findRestorable } from "../../../ops/backup/restore/restorable.ts";
import { finishRestore, rollBack } from "../../../ops/backup/restore/restore.ts";
import type { RestoredStack } from "../support/restored-stack.ts";
import { type FuzzHits, type FuzzOptions, fuzz } from "./backup-fuzz-rounds.ts";

/**
 * Restores the history of a stack from damaged copies of its newest backup: live is always what was there, and what a
 * backup brings back that nobody has forged is what it held. Nothing may be written meanwhile.
 */
export async function fuzzRestores(stack: RestoredStack, options: FuzzOptions): Promise<FuzzHits> {
  const { backup } = await stack.take();
  const before = JSON.stringify(await stack.content());
  const requireAsBefore = async (when: string) => {
    if (JSON.stringify(await stack.content()) !== before) throw new Error(`the live data is another ${when}`);
  };
  return fuzz(backup, options, async (root, { forged }) => {
    try {
      await stack.bringBack(findRestorable(root, backup.id, undefined, []), { only: "history" });
    } catch (error) {
      await requireAsBefore("after a refusal");
      throw error;
    }
    // Whoever made all checksums fit again may bring anything that a history can hold.
    if (forged) await rollBack(stack.tools());
    await requireAsBefore("after the restore");
    await finishRestore(stack.tools());
  });
}
