import type { Tier } from "../format/layout.ts";

/**
 * The tiers that a daily backup also serves: weekly when there is none since Sunday, monthly when there is none since the
 * 1st. So a Sunday on which the machine was off is made up for on the day after. All in UTC, as the names are.
 *
 * @param at when the daily one was begun
 * @param newest when the newest good one of each tier was begun; undefined when there is none
 */
export function promotions(at: Date, newest: Partial<Record<Tier, Date | undefined>>): Tier[] {
  const day = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
  const sunday = day - at.getUTCDay() * 86_400_000;
  const first = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
  const isDue = (tier: Tier, since: number) => (newest[tier]?.getTime() ?? Number.NEGATIVE_INFINITY) < since;
  return [
    ...(isDue("weekly", sunday) ? (["weekly"] as const) : []),
    ...(isDue("monthly", first) ? (["monthly"] as const) : []),
  ];
}
