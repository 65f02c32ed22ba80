import { Problem } from "../../base/problem.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { type Tier, timeOf } from "../format/layout.ts";
import type { SealKey } from "../format/seal.ts";
import { type Backup, newestGood, readCatalogue } from "../keep/catalogue.ts";
import { copyTo } from "../keep/copy-elsewhere.ts";
import { prune } from "../keep/keeping.ts";
import { promotions } from "../keep/promotion.ts";
import type { RetentionPolicy } from "../keep/retention.ts";
import { ownerOf } from "../keep/root.ts";
import { promote } from "./sealing.ts";

type Report = (line: string) => void;

/**
 * Lets a daily backup serve as the weekly and the monthly one too, where that is due; returns these tiers.
 *
 * @param keys those whose backups count as the stack's own; the first, which is the stack's, seals
 */
export async function promoteWhereDue(
  root: string,
  backup: Backup,
  keys: readonly SealKey[],
  report: Report,
): Promise<Tier[]> {
  if (backup.tier !== "daily") return [];
  const catalogue = readCatalogue(root, keys);
  const newest = (tier: Tier) => timeOf(newestGood(catalogue, (entry) => entry.tier === tier)?.id ?? "");
  const at = timeOf(backup.id) ?? new Date(backup.manifest.startedAt);
  const tiers = promotions(at, { weekly: newest("weekly"), monthly: newest("monthly") });
  for (const tier of tiers) {
    await promote(root, backup, tier, keys[0]);
    report(`it is also the ${tier} one`);
  }
  return tiers;
}

/** A good backup is the moment at which old ones may go; why none does is told, and harms nothing. */
export function removeOld(
  root: string,
  keep: RetentionPolicy,
  now: Date,
  keys: readonly SealKey[],
  report: Report,
): void {
  const { removed, stopped } = prune(root, keep, now, keys);
  for (const { tier, id } of removed) report(`removed ${tier} ${id}, which the settings no longer keep`);
  if (stopped !== undefined) report(stopped);
}

/** Copies a good backup to where the settings say, if anywhere; returns why that failed. */
export async function copyElsewhere(
  stack: DeployedStack,
  backup: Backup,
  report: Report,
): Promise<Problem | undefined> {
  const target = stack.backup.copyTo;
  if (target === undefined) return undefined;
  report("copying it elsewhere");
  try {
    await copyTo(target, backup, ownerOf(stack), report);
    return undefined;
  } catch (error) {
    return error instanceof Problem
      ? error
      : new Problem(`the copy elsewhere failed: ${error}`, { cause: error });
  }
}
