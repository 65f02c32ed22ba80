import type { Tier } from "../backup/format/layout.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { tellEvent } from "./alerts.ts";
import { channelsOf } from "./channels.ts";
import type { Finding } from "./state.ts";

/** Ends of a run that say nothing of the backups. */
const NO_RESULT: readonly number[] = [ExitCode.busy, ExitCode.interrupted, ExitCode.usage];

/**
 * Tells how a backup ended: a good one of tier daily and above each time, a failed one once in its cooldown. What cannot
 * be sent waits on disk, and a backup is none the worse for it: this never throws.
 *
 * @param found what a good one holds, or why there is none
 */
export async function tellBackup(stack: DeployedStack, tier: Tier, found: string | Error): Promise<void> {
  const finding = findingOf(tier, found);
  if (finding === undefined) return;
  try {
    if (channelsOf(stack).length > 0) await tellEvent(stack, finding);
  } catch {
    // Health finds a failed backup too, and is told of at the next look.
  }
}

function findingOf(tier: Tier, found: string | Error): Finding | undefined {
  if (typeof found === "string") {
    if (tier === "hourly") return undefined;
    return { type: "backup_success", source: "verb", level: "INFO", text: found };
  }
  if (found instanceof Problem && NO_RESULT.includes(found.exitCode)) return undefined;
  const text = `${tier} backup: ${found.message}`;
  const mend = found instanceof Problem ? found.mend : undefined;
  return { type: "backup_failed", source: "verb", level: "CRITICAL", text, mend };
}
