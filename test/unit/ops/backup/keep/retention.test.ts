import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TIERS, type Tier } from "../../../../../ops/backup/format/layout.ts";
import {
  type Candidate,
  planRetention,
  type RetentionPolicy,
} from "../../../../../ops/backup/keep/retention.ts";

const POLICY: RetentionPolicy = { hourly: 24, daily: 7, weekly: 4, monthly: 12 };
const NOW = new Date("2026-11-24T12:30:00Z");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let made = 0;
const backup = (tier: Tier, cutAt: string | Date, more: Partial<Candidate> = {}): Candidate => ({
  id: `b${made++}`,
  tier,
  cutAt: new Date(cutAt),
  result: "good",
  ...more,
});
/** One every `step` ms, newest first, the newest at `newest`. */
const series = (tier: Tier, count: number, step: number, newest = NOW) =>
  Array.from({ length: count }, (_, index) => backup(tier, new Date(newest.getTime() - index * step)));
const plan = (backups: Candidate[], policy: Partial<RetentionPolicy> = {}, now = NOW) =>
  planRetention(backups, { ...POLICY, ...policy }, now);
const times = (backups: readonly Candidate[]) => backups.map(({ cutAt }) => cutAt.toISOString()).sort();
const keptTimes = (backups: Candidate[], policy: Partial<RetentionPolicy> = {}, now = NOW) =>
  times(plan(backups, policy, now).kept.map((kept) => kept.backup));
const whyOf = (backups: Candidate[], one: Candidate, policy: Partial<RetentionPolicy> = {}) =>
  plan(backups, policy)
    .kept.find((kept) => kept.backup === one)
    ?.reasons.map(({ why }) => why);

describe("retention by the settings' defaults", () => {
  it("keeps 24 hourly, 7 daily, 4 weekly and 12 monthly backups", () => {
    const monthly = Array.from({ length: 20 }, (_, index) =>
      backup("monthly", new Date(Date.UTC(2026, 10 - index, 1))),
    );
    const all = [
      ...series("hourly", 40, HOUR),
      ...series("daily", 20, DAY),
      ...series("weekly", 9, 7 * DAY),
      ...monthly,
    ];
    const { kept, removed, stopped } = plan(all);
    const count = (tier: Tier) => kept.filter((one) => one.backup.tier === tier).length;
    expect(TIERS.map(count)).toEqual([24, 7, 4, 12]);
    expect(kept.length + removed.length).toBe(all.length);
    expect(stopped).toBeUndefined();
  });

  it("counts a backup in the tier it lies in and in no other", () => {
    const daily = backup("daily", "2026-11-22T02:30:00Z");
    const weekly = backup("weekly", "2026-11-22T02:30:00Z", { id: daily.id });
    const { kept, removed } = plan([...series("daily", 7, DAY), daily, weekly]);
    expect(kept.map((one) => one.backup)).toContain(weekly);
    expect(removed).toEqual([expect.objectContaining({ tier: "daily" })]);
  });
});

describe("retention keeps the newest of each period", () => {
  it("and removes the earlier ones of the same hour, day, week and month", () => {
    const newest = backup("daily", "2026-11-23T20:00:00Z");
    const earlier = backup("daily", "2026-11-23T02:30:00Z");
    const full = series("daily", 6, DAY, new Date("2026-11-22T02:30:00Z"));
    expect(plan([earlier, newest, ...full]).removed).toEqual([earlier]);
  });

  it("does not count empty periods", () => {
    const days = ["2026-11-24", "2026-11-20", "2026-11-02", "2026-08-01"].map((day) =>
      backup("daily", `${day}T02:30:00Z`),
    );
    expect(plan(days, { daily: 4 }).removed).toEqual([]);
    expect(times(plan(days, { daily: 3 }).removed)).toEqual(["2026-08-01T02:30:00.000Z"]);
  });

  it("keeps the oldest too while a tier is not full", () => {
    const [newest, middle, oldest] = [
      "2026-11-24T09:00:00Z",
      "2026-11-24T06:00:00Z",
      "2026-11-24T02:00:00Z",
    ].map((time) => backup("daily", time)) as [Candidate, Candidate, Candidate];
    const { removed } = plan([newest, middle, oldest]);
    expect(removed).toEqual([middle]);
    expect(whyOf([newest, middle, oldest], oldest)).toEqual(["the oldest, while only 1 of 7 days have one"]);
  });

  it("no longer keeps the oldest once the tier is full", () => {
    const first = backup("daily", "2026-11-18T01:00:00Z");
    const days = series("daily", 7, DAY, new Date("2026-11-24T02:30:00Z"));
    expect(plan([...days, first]).removed).toEqual([first]);
  });
});

describe("retention counts in UTC and ISO weeks", () => {
  it("keeps both backups of the hour that the fall-back of summer time repeats", () => {
    // Berlin, 25 October 2026: 02:30 happens at 00:30 and at 01:30 UTC.
    const twice = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"].map((time) => backup("hourly", time));
    const before = series("hourly", 22, HOUR, new Date("2026-10-24T23:30:00Z"));
    expect(plan([...twice, ...before]).removed).toEqual([]);
  });

  it("skips no hour where the spring-forward leaves one out", () => {
    // Berlin, 29 March 2026: after 01:59 comes 03:00, which are 00:59 and 01:00 UTC.
    const hours = series("hourly", 24, HOUR, new Date("2026-03-29T03:30:00Z"));
    expect(plan(hours).removed).toEqual([]);
  });

  it("takes the days around New Year for one ISO week", () => {
    // 2026-W53 runs from 28 December 2026 to 3 January 2027.
    const now = new Date("2027-02-01T00:00:00Z");
    const sameWeek = [backup("weekly", "2026-12-28T02:30:00Z"), backup("weekly", "2027-01-03T02:30:00Z")];
    const later = series("weekly", 3, 7 * DAY, new Date("2027-01-24T02:30:00Z"));
    expect(times(plan([...sameWeek, ...later], {}, now).removed)).toEqual(["2026-12-28T02:30:00.000Z"]);
  });

  it("knows years of 53 weeks: 27 December and 3 January are different weeks", () => {
    const weeks = [
      "2026-12-27T23:59:59Z",
      "2026-12-28T00:00:00Z",
      "2027-01-03T23:59:59Z",
      "2027-01-04T00:00:00Z",
    ];
    const now = new Date("2027-02-01T00:00:00Z");
    const kept = keptTimes(
      weeks.map((time) => backup("weekly", time)),
      { weekly: 3 },
      now,
    );
    expect(kept).toEqual([
      "2026-12-27T23:59:59.000Z",
      "2027-01-03T23:59:59.000Z",
      "2027-01-04T00:00:00.000Z",
    ]);
  });

  it("counts months by the calendar, over the turn of the year", () => {
    const months = ["2026-11-01", "2026-01-31", "2026-01-01", "2025-12-31", "2025-11-01"].map((day) =>
      backup("monthly", `${day}T00:00:00Z`),
    );
    expect(times(plan(months, { monthly: 3 }).removed)).toEqual([
      "2025-11-01T00:00:00.000Z",
      "2026-01-01T00:00:00.000Z",
    ]);
  });
});

describe("retention never removes", () => {
  it("anything because time passed: backups that stopped do not age out", () => {
    const old = series("daily", 7, DAY, new Date("2020-01-07T02:30:00Z"));
    expect(plan(old).removed).toEqual([]);
  });

  it("the last good one, whatever its tier", () => {
    const last = backup("hourly", "2026-11-24T12:00:00Z");
    const backups = [last, ...series("daily", 2, DAY, new Date("2026-11-23T02:30:00Z"))];
    expect(plan(backups, { hourly: 0 }).removed).toEqual([]);
    expect(whyOf(backups, last, { hourly: 0 })).toEqual(["the last good one"]);
  });

  it("the last one that the stack sealed, whatever is newer", () => {
    const sealed = backup("hourly", "2026-11-24T11:00:00Z", { sealed: true });
    expect(plan([sealed, ...series("daily", 2, DAY)], { hourly: 0 }).removed).toEqual([]);
  });

  it("a pinned one", () => {
    const pinned = backup("daily", "2024-01-01T02:30:00Z", { pin: "before-the-move" });
    const backups = [pinned, ...series("daily", 7, DAY)];
    expect(plan(backups).removed).toEqual([]);
    expect(plan(backups).kept.at(-1)).toEqual({
      backup: pinned,
      reasons: [{ why: "pinned: before-the-move" }],
      until: undefined,
    });
  });

  it("anything while a damaged one waits", () => {
    const backups = [...series("daily", 9, DAY), backup("hourly", NOW, { result: "damaged" })];
    expect(plan(backups).removed).toEqual([]);
  });

  it("anything while a suspect waits, and says so at each one that it would remove", () => {
    const backups = [
      ...series("daily", 9, DAY),
      backup("daily", NOW, { id: "20261124_023000", result: "suspect" }),
    ];
    const { removed, stopped, kept } = plan(backups);
    expect(removed).toEqual([]);
    expect(stopped).toMatch(/suspect .*20261124_023000/);
    expect(kept).toHaveLength(backups.length);
    expect(kept.at(-1)?.reasons).toEqual([{ why: stopped }]);
  });

  it("a suspect itself, which is not counted either", () => {
    const suspect = backup("daily", NOW, { result: "suspect" });
    const week = series("daily", 7, DAY, new Date("2026-11-23T02:30:00Z"));
    const counted = plan([suspect, ...week]).kept.filter(({ reasons }) =>
      reasons.some(({ why }) => why.includes("of 7")),
    );
    expect(counted).toHaveLength(7);
  });

  it("a backup from the future, nor does such a one push another out or pass for the last good one", () => {
    const future = backup("daily", "2027-01-01T00:00:00Z");
    const week = series("daily", 7, DAY);
    expect(plan([future, ...week]).removed).toEqual([]);
    expect(whyOf([future, ...week], future)).toEqual(["lies in the future: is not counted"]);
    expect(whyOf([future, ...week], week[0] as Candidate)).toContain("the last good one");
  });
});

describe("retention refuses", () => {
  it("a policy of zeros, which would delete all", () => {
    const none = { hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    expect(() => planRetention(series("daily", 3, DAY), none, NOW)).toThrow("would delete all backups");
  });

  it.each([-1, 1.5, Number.NaN])("a count of %s", (count) => {
    expect(() => plan([], { daily: count })).toThrow(RangeError);
  });
});

describe("retention tells until when each is kept", () => {
  it("the earliest time at which enough newer periods can have a backup", () => {
    const days = series("daily", 7, DAY, new Date("2026-11-24T02:30:00Z"));
    const { kept } = plan(days);
    expect(kept.at(-1)?.until?.toISOString()).toBe("2026-11-25T00:00:00.000Z");
    expect(kept.at(1)?.until?.toISOString()).toBe("2026-11-30T00:00:00.000Z");
    expect(kept.at(0)?.until, "the last good one stays").toBeUndefined();
  });

  it("months by the calendar", () => {
    const months = ["2026-11-01", "2026-10-01"].map((day) => backup("monthly", `${day}T00:00:00Z`));
    expect(plan(months, { monthly: 2 }).kept.at(1)?.until?.toISOString()).toBe("2026-12-01T00:00:00.000Z");
  });
});

describe("whatever the backups and the policy, retention", () => {
  const candidate = fc.record({
    tier: fc.constantFrom(...TIERS),
    cutAt: fc.date({ min: new Date("2023-12-01"), max: new Date("2027-02-01"), noInvalidDate: true }),
    result: fc.constantFrom("good" as const, "good" as const, "good" as const, "suspect" as const),
    pin: fc.option(fc.constantFrom("a", "b"), { nil: undefined, freq: 8 }),
  });
  const backups = fc
    .array(candidate, { maxLength: 60 })
    .map((list) => list.map((one, index): Candidate => ({ ...one, id: String(index).padStart(3, "0") })));
  const good = backups.map((list) => list.map((one): Candidate => ({ ...one, result: "good" })));
  const count = fc.integer({ min: 0, max: 30 });
  const policies = fc
    .record({ hourly: count, daily: count, weekly: count, monthly: count })
    .filter((policy) => TIERS.some((tier) => policy[tier] > 0));
  const ids = (list: readonly Candidate[]) => list.map(({ id }) => id).sort();

  it("puts each into exactly one of kept and removed, and gives each kept one a reason", () => {
    fc.assert(
      fc.property(backups, policies, (list, policy) => {
        const { kept, removed } = planRetention(list, policy, NOW);
        expect(ids([...kept.map((one) => one.backup), ...removed])).toEqual(ids(list));
        for (const one of kept) expect(one.reasons.length).toBeGreaterThan(0);
      }),
    );
  });

  it("never removes all, nor the newest good one, nor a pinned, suspect or future one", () => {
    fc.assert(
      fc.property(backups, policies, (list, policy) => {
        const { removed } = planRetention(list, policy, NOW);
        const past = list.filter((one) => one.result === "good" && one.cutAt <= NOW);
        const newest = Math.max(...past.map(({ cutAt }) => cutAt.getTime()));
        for (const one of removed) {
          expect(one.pin).toBeUndefined();
          expect(one.result).toBe("good");
          expect(one.cutAt.getTime()).toBeLessThanOrEqual(NOW.getTime() + 60_000);
        }
        if (past.length > 0) {
          expect(past.some((one) => one.cutAt.getTime() === newest && !removed.includes(one))).toBe(true);
        }
      }),
    );
  });

  it("removes nothing that the stack sealed which it would keep if nobody had put others there", () => {
    const sealed = good.map((list) => list.map((one) => ({ ...one, id: `s${one.id}`, sealed: true })));
    const planted = fc.array(
      fc.record({
        id: fc.uuid(),
        tier: fc.constantFrom(...TIERS),
        cutAt: candidate.map((one) => one.cutAt),
        result: fc.constantFrom("good" as const, "foreign" as const),
      }),
    );
    const few = fc.integer({ min: 0, max: 3 });
    const tight = fc
      .record({ hourly: few, daily: few, weekly: few, monthly: few })
      .filter((policy) => TIERS.some((tier) => policy[tier] > 0));
    fc.assert(
      fc.property(sealed, planted, tight, (own, others, policy) => {
        const alone = planRetention(own, policy, NOW).removed;
        for (const one of planRetention<Candidate>([...own, ...others], policy, NOW).removed) {
          if (one.sealed === true) expect(alone).toContain(one);
          else expect(one.result).toBe("good");
        }
      }),
    );
  });

  it("removes nothing while a suspect is there", () => {
    fc.assert(
      fc.property(good, policies, fc.nat(), (list, policy, at) => {
        const suspect: Candidate = { id: "s", tier: "daily", cutAt: new Date(at), result: "suspect" };
        expect(planRetention([...list, suspect], policy, NOW).removed).toEqual([]);
      }),
    );
  });

  it("decides the same in any order, and once it was carried out has nothing more to do", () => {
    fc.assert(
      fc.property(good, policies, (list, policy) => {
        const once = planRetention(list, policy, NOW);
        expect(ids(planRetention([...list].reverse(), policy, NOW).removed)).toEqual(ids(once.removed));
        const left = once.kept.map((one) => one.backup);
        expect(planRetention(left, policy, NOW).removed).toEqual([]);
      }),
    );
  });

  it("decides the same later, as long as nothing was in the future", () => {
    fc.assert(
      fc.property(good, policies, fc.integer({ min: 1, max: 5000 }), (list, policy, days) => {
        const past = list.filter(({ cutAt }) => cutAt <= NOW);
        const later = new Date(NOW.getTime() + days * DAY);
        expect(ids(planRetention(past, policy, later).removed)).toEqual(
          ids(planRetention(past, policy, NOW).removed),
        );
      }),
    );
  });

  it("keeps no fewer when a tier may keep more", () => {
    fc.assert(
      fc.property(good, policies, fc.constantFrom(...TIERS), (list, policy, tier) => {
        const more = planRetention(list, { ...policy, [tier]: policy[tier] + 1 }, NOW);
        const removed = planRetention(list, policy, NOW).removed;
        for (const one of more.removed) expect(removed).toContain(one);
      }),
    );
  });
});
