import type { Counts, Identity } from "../format/backup-manifest.ts";
import { type Backup, type Catalogue, newestGood } from "../keep/catalogue.ts";

/** What a backup is judged by. */
export interface Judged {
  identity: Identity;
  counts: Counts;
}

const WORDS: Record<keyof Counts, string> = {
  memories: "memories",
  users: "users",
  nodes: "nodes of the graph",
  relationships: "relationships of the graph",
  historyEntries: "entries of the history",
};

/** What the next backup is judged by. A foreign one is better than none: at worst it raises no doubt, as none does. */
export function lastGood(catalogue: Catalogue): Backup | undefined {
  return newestGood(catalogue) ?? catalogue.foreign.at(-1);
}

/**
 * Why a backup must not take the place of the last good one; nothing when it may. An empty database behind a healthy
 * API was once backed up for 17 days, until no other backup was left.
 *
 * @param expected identity that the stack was deployed with
 * @param last the last good backup; undefined when there is none
 * @param maxDropShare how much of each count may be gone, from 0 to 1
 */
export function reasonsForDoubt(
  now: Judged & { identities: Readonly<Record<string, Identity>> },
  expected: Identity,
  last: Judged | undefined,
  maxDropShare: number,
): string[] {
  const reasons = Object.entries(now.identities)
    .filter(([, identity]) => !isSame(identity, expected))
    .map(
      ([store, identity]) => `${store} holds ${show(identity)}; the stack was deployed as ${show(expected)}`,
    );
  if (last === undefined) return reasons;
  if (!isSame(now.identity, last.identity)) {
    reasons.push(`this is ${show(now.identity)}; the last good backup is of ${show(last.identity)}`);
  }
  for (const key of Object.keys(WORDS) as (keyof Counts)[]) {
    const [before, after] = [last.counts[key], now.counts[key]];
    if (before > 0 && after === 0) {
      reasons.push(`no ${WORDS[key]}: ${before} before`);
    } else if (before - after > before * maxDropShare) {
      const share = Math.round(((before - after) / before) * 100);
      reasons.push(
        `${WORDS[key]} fell by ${share} % from ${before} to ${after}; allowed: ${Math.round(maxDropShare * 100)} %`,
      );
    }
  }
  return reasons;
}

function isSame(a: Identity, b: Identity): boolean {
  return a.instanceId === b.instanceId && a.embedder === b.embedder && a.dimensions === b.dimensions;
}

function show({ instanceId, embedder, dimensions }: Identity): string {
  return instanceId === "" ? "no identity" : `instance ${instanceId}, ${embedder}, ${dimensions} dimensions`;
}
