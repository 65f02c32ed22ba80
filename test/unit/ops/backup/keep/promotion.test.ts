import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TIERS, type Tier } from "../../../../../ops/backup/format/layout.ts";
import { promotions } from "../../../../../ops/backup/keep/promotion.ts";

const at = (text: string) => new Date(`${text}T02:30:00Z`);

describe("a daily backup", () => {
  it("is the first weekly and monthly one as well", () => {
    expect(promotions(at("2026-11-24"), {})).toEqual(["weekly", "monthly"]);
  });

  it("serves as the weekly one on Sunday, once", () => {
    const newest = { weekly: at("2026-11-15"), monthly: at("2026-11-01") };
    expect(promotions(at("2026-11-21"), newest)).toEqual([]);
    expect(promotions(at("2026-11-22"), newest)).toEqual(["weekly"]);
    expect(promotions(at("2026-11-22"), { ...newest, weekly: at("2026-11-22") })).toEqual([]);
    expect(promotions(at("2026-11-23"), { ...newest, weekly: at("2026-11-22") })).toEqual([]);
  });

  it("serves as the monthly one on the 1st, also at New Year", () => {
    const newest = { weekly: at("2026-12-27"), monthly: at("2026-12-01") };
    expect(promotions(at("2026-12-31"), newest)).toEqual([]);
    expect(promotions(at("2027-01-01"), newest)).toEqual(["monthly"]);
  });

  it("makes up for a Sunday, or a 1st, on which there was none", () => {
    expect(promotions(at("2026-12-03"), { weekly: at("2026-11-22"), monthly: at("2026-11-01") })).toEqual([
      "weekly",
      "monthly",
    ]);
  });

  it("taken every day for years, makes one weekly a week on Sunday and one monthly a month on the 1st", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), (start) => {
        const newest: Partial<Record<Tier, Date>> = {};
        const made = Object.fromEntries(TIERS.map((tier) => [tier, [] as Date[]]));
        for (let day = 0; day < 500; day += 1) {
          const date = new Date((start + day) * 86_400_000 + 9_000_000);
          for (const tier of promotions(date, newest)) {
            newest[tier] = date;
            made[tier]?.push(date);
          }
        }
        for (const date of made.weekly?.slice(1) ?? []) expect(date.getUTCDay()).toBe(0);
        for (const date of made.monthly?.slice(1) ?? []) expect(date.getUTCDate()).toBe(1);
        expect(made.weekly?.length).toBeGreaterThanOrEqual(71);
        expect(made.monthly?.length).toBeGreaterThanOrEqual(16);
      }),
    );
  });
});
