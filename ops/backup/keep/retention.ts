import { TIERS, type Tier } from "../format/layout.ts";

/**
 * Which backups are kept, why and until when; a function of plain data.
 *
 * A backup counts in the tier whose directory it lies in and in no other: Sunday's daily backup, linked into `weekly`,
 * is judged there a second time. Of each tier the newest good backup of each of the last N periods that have one is
 * kept. Periods are UTC hours, UTC days, ISO weeks and UTC months; empty ones do not count, so that backups that
 * stopped never age out (restic's and kopia's semantics). Nothing depends on the present time but what lies in the
 * future.
 *
 * What a stack sealed is judged as if nothing else were there: whoever can put backups into the root pushes none of it out.
 */

/** How many periods each tier keeps a backup of. */
export type RetentionPolicy = Record<Tier, number>;

/** What retention needs to know of one backup. A run that failed is none. */
export interface Candidate {
  /** Its directory's name; unique within a tier. */
  id: string;
  tier: Tier;
  /** The moment whose data it holds. */
  cutAt: Date;
  /**
   * Suspects, and those that were damaged, are kept until a person has judged them; those of a newer version, which this
   * one cannot judge, as long as it is this one that looks; foreign ones, which the stack did not make, until a person
   * discards them. Only good ones count.
   */
  result: "good" | "suspect" | "damaged" | "newer" | "foreign";
  /** Whether this stack sealed it. */
  sealed?: boolean;
  /** Name of its pin. */
  pin?: string | undefined;
}

export interface Reason {
  why: string;
  /** Earliest end of this reason, if good backups go on as planned; undefined: it does not end by itself. */
  until?: Date;
}

export interface Kept<T extends Candidate> {
  backup: T;
  /** At least one. */
  reasons: Reason[];
  /** Earliest removal; undefined while a reason holds that does not end by itself. */
  until: Date | undefined;
}

export interface RetentionPlan<T extends Candidate> {
  /** Newest first. */
  kept: Kept<T>[];
  /** Oldest first: a run that is cut off has removed the oldest. */
  removed: T[];
  /** Why nothing is removed although there would be something to remove. */
  stopped: string | undefined;
}

/** A clock that was set right by NTP may make a backup seem this much too new. */
const CLOCK_TOLERANCE_MS = 60_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Period {
  name: string;
  /** Number of the period that holds a time, such that the next period has the next number. */
  of: (time: Date) => number;
  /** When the period with that number begins. */
  begins: (period: number) => Date;
}

// 1 January 1970 was a Thursday: three days into its ISO week.
const PERIODS: Record<Tier, Period> = {
  hourly: fixed("hour", HOUR_MS, 0),
  daily: fixed("day", DAY_MS, 0),
  weekly: fixed("week", 7 * DAY_MS, 3 * DAY_MS),
  monthly: {
    name: "month",
    of: (time) => time.getUTCFullYear() * 12 + time.getUTCMonth(),
    begins: (period) => new Date(Date.UTC(Math.floor(period / 12), period % 12)),
  },
};

function fixed(name: string, length: number, offset: number): Period {
  return {
    name,
    of: (time) => Math.floor((time.getTime() + offset) / length),
    begins: (period) => new Date(period * length - offset),
  };
}

/**
 * @param now by the host's clock; decides only what lies in the future
 * @throws RangeError for a policy that keeps nothing, or no whole numbers
 */
export function planRetention<T extends Candidate>(
  backups: readonly T[],
  policy: RetentionPolicy,
  now: Date,
): RetentionPlan<T> {
  refuseBadPolicy(policy);
  const reasons = new Map<T, Reason[]>(backups.map((backup) => [backup, []]));
  const keep = (backup: T, reason: Reason) => reasons.get(backup)?.push(reason);

  const suspects = backups.filter(waitsForJudgement);
  const good = newestFirst(backups.filter(({ result }) => result === "good"));
  const isFuture = ({ cutAt }: T) => cutAt.getTime() > now.getTime() + CLOCK_TOLERANCE_MS;
  const counted = good.filter((backup) => !isFuture(backup));

  for (const backup of suspects) keep(backup, { why: `${backup.result}: waits for a person's judgement` });
  for (const backup of backups.filter(({ result }) => result === "newer"))
    keep(backup, { why: "of a newer version: a newer checkout judges it" });
  for (const backup of backups.filter(({ result }) => result === "foreign"))
    keep(backup, { why: "not made by this stack: is not counted" });
  for (const backup of good.filter(isFuture)) keep(backup, { why: "lies in the future: is not counted" });
  for (const backup of good) {
    if (backup.pin !== undefined) keep(backup, { why: `pinned: ${backup.pin}` });
  }
  const [last] = [...counted.filter(isSealed), ...counted];
  if (last !== undefined) keep(last, { why: "the last good one" });
  for (const tier of TIERS) {
    const ofTier = counted.filter((backup) => backup.tier === tier);
    const sealed = ofTier.filter(isSealed);
    const others = (backup: T, reason: Reason) => isSealed(backup) || keep(backup, reason);
    keepNewestOfPeriods(sealed, policy[tier], PERIODS[tier], keep);
    keepNewestOfPeriods(ofTier, policy[tier], PERIODS[tier], others);
  }

  const doomed = good.filter((backup) => reasons.get(backup)?.length === 0);
  const stopped = suspects.length > 0 && doomed.length > 0 ? stoppedBy(suspects) : undefined;
  if (stopped !== undefined) for (const backup of doomed) keep(backup, { why: stopped });
  return {
    kept: newestFirst(backups)
      .map((backup) => ({ backup, reasons: reasons.get(backup) ?? [] }))
      .filter((kept) => kept.reasons.length > 0)
      .map((kept) => ({ ...kept, until: latest(kept.reasons) })),
    removed: stopped === undefined ? doomed.reverse() : [],
    stopped,
  };
}

/** Whether a person has to say what becomes of a backup. */
export function waitsForJudgement({ result }: Candidate): boolean {
  return result === "suspect" || result === "damaged";
}

function isSealed({ sealed }: Candidate): boolean {
  return sealed === true;
}

/** @param backups of one tier, good, newest first */
function keepNewestOfPeriods<T extends Candidate>(
  backups: readonly T[],
  count: number,
  { name, of, begins }: Period,
  keep: (backup: T, reason: Reason) => unknown,
): void {
  const newest = new Map<number, T>();
  for (const backup of backups) {
    const period = of(backup.cutAt);
    if (!newest.has(period)) newest.set(period, backup);
  }
  const [latestPeriod] = newest.keys();
  if (latestPeriod === undefined) return;
  [...newest.values()].slice(0, count).forEach((backup, index) => {
    // It goes when `count` newer periods have a backup.
    const until = begins(latestPeriod + count - index);
    keep(backup, { why: `newest of its ${name} (${index + 1} of ${count})`, until });
  });
  const oldest = backups.at(-1);
  if (oldest !== undefined && newest.size < count) {
    const until = begins(latestPeriod + count - newest.size);
    keep(oldest, { why: `the oldest, while only ${newest.size} of ${count} ${name}s have one`, until });
  }
}

function stoppedBy(suspects: readonly Candidate[]): string {
  const ids = suspects.map(({ id }) => id).join(", ");
  return `nothing is removed while a suspect or damaged backup waits for judgement: ${ids}`;
}

function latest(reasons: readonly Reason[]): Date | undefined {
  const ends = reasons.map(({ until }) => until);
  if (ends.includes(undefined)) return undefined;
  return ends.reduce((a, b) => (a !== undefined && b !== undefined && a > b ? a : b), undefined);
}

/** Of the same moment the one with the greater name counts as newer, so that the order is always the same. */
function newestFirst<T extends Candidate>(backups: readonly T[]): T[] {
  return [...backups].sort((a, b) => b.cutAt.getTime() - a.cutAt.getTime() || (a.id < b.id ? 1 : -1));
}

function refuseBadPolicy(policy: RetentionPolicy): void {
  const counts = TIERS.map((tier) => policy[tier]);
  if (counts.some((count) => !Number.isInteger(count) || count < 0)) {
    throw new RangeError(`retention counts are whole numbers from 0 on: ${JSON.stringify(policy)}`);
  }
  if (counts.every((count) => count === 0)) {
    throw new RangeError("a retention of 0 in every tier would delete all backups; nothing was done");
  }
}
