import { Cron } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cronFields, cronMistake, lastRun, nextRun, sameMinute } from "../../../config/cron.ts";
import { parseSettings } from "../../../config/settings.ts";
import { exampleHost } from "../../harness/support/example-settings.ts";

const number = (min: number, max: number) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min, max }).map(String),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
  );
const expressions = fc
  .tuple(number(0, 59), number(0, 23), number(1, 28), number(1, 12), number(0, 7))
  .map((fields) => fields.join(" "))
  .filter((expression) => cronMistake(expression) === undefined);

describe("a time as cron writes it", () => {
  it("means the same minutes to us as to croner", () => {
    fc.assert(
      fc.property(expressions, (expression) => {
        const { minutes, hours, days, months, weekdays } = cronFields(expression);
        const cron = new Cron(expression, { mode: "5-part", timezone: "UTC" });
        for (const run of cron.nextRuns(5, new Date("2026-11-28T00:00:00Z"))) {
          expect(minutes).toContain(run.getUTCMinutes());
          expect(hours).toContain(run.getUTCHours());
          if (months !== undefined) expect(months).toContain(run.getUTCMonth() + 1);
          const day = days?.includes(run.getUTCDate());
          const weekday = weekdays?.includes(run.getUTCDay());
          expect(day === undefined && weekday === undefined ? true : day === true || weekday === true).toBe(
            true,
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has its last run at or before now, and none between that and the next", () => {
    const moments = fc
      .integer({ min: 0, max: 2 * 365 * 24 * 60 })
      .map((m) => new Date(1_790_000_000_000 + m * 60_000));
    fc.assert(
      fc.property(expressions, moments, (expression, now) => {
        const last = lastRun(expression, now, "Europe/Berlin");
        const next = nextRun(expression, now, "Europe/Berlin");
        expect(next.getTime()).toBeGreaterThan(now.getTime());
        if (last === undefined) return;
        expect(last.getTime()).toBeLessThanOrEqual(now.getTime());
        expect(nextRun(expression, last, "Europe/Berlin")).toEqual(next);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["0 0 30 2 *", "never comes"],
    ["0 0 * *", "has 4 fields, not five"],
    ["@daily", "has 1 fields, not five"],
    ["60 * * * *", "has 60 as its minute; allowed: 0 to 59"],
    ["5/15 * * * *", 'has "5/15" as its minute'],
    ["0 0 * * fri-sun", "which is empty"],
    ["0 0 L * *", "has l as its day; allowed: 1 to 31"],
    ["0 0 */2 * 1", "write the days out"],
  ])("%s is refused: it %s", (expression, reason) => {
    expect(cronMistake(expression)).toContain(reason);
  });

  it("of 29 February comes", () => {
    expect(nextRun("0 0 29 2 *", new Date("2026-11-28T00:00:00Z"), "UTC").toISOString()).toBe(
      "2028-02-29T00:00:00.000Z",
    );
  });

  it("meets another one where both begin in one minute", () => {
    const from = new Date("2026-11-28T00:00:00Z");
    expect(sameMinute("30 * * * *", "30 2 * * *", from)?.toISOString()).toBe("2026-11-28T02:30:00.000Z");
    expect(sameMinute("30 4 * * 0", "30 4 1 1 *", from)?.toISOString()).toBe("2034-01-01T04:30:00.000Z");
    expect(sameMinute("5 * * * *", "30 2 * * *", from)).toBeUndefined();
    expect(sameMinute("30 4 * * 0", "30 4 * * 1", from)).toBeUndefined();
  });
});

describe("the settings of jobs", () => {
  const mistakes = (jobs: object) => {
    const config = { model: '{"provider":"embedded"}', schedule: JSON.stringify({ by: "auto", jobs }) };
    const parsed = parseSettings("test", config, exampleHost);
    return parsed.ok ? [] : parsed.mistakes;
  };

  it("are well as they are, and with jobs that are off", () => {
    expect(mistakes({})).toEqual([]);
    expect(mistakes({ hourly: "off", backup: "0 3 * * *" })).toEqual([]);
  });

  it("name a time that never comes, and two jobs in one minute", () => {
    expect(mistakes({ drill: "0 0 31 6 *", logs: "x" })).toEqual([
      'mem0:schedule.jobs.drill: is "0 0 31 6 *", which never comes; allowed: e.g. "30 2 * * *", or off',
      expect.stringContaining('mem0:schedule.jobs.logs: is "x", which has 1 fields'),
    ]);
    expect(mistakes({ hourly: "30 * * * *" })).toEqual([
      expect.stringMatching(/^mem0:schedule\.jobs\.backup and mem0:schedule\.jobs\.hourly: both begin at /),
      expect.stringMatching(/^mem0:schedule\.jobs\.hourly and mem0:schedule\.jobs\.verify: /),
      expect.stringMatching(/^mem0:schedule\.jobs\.hourly and mem0:schedule\.jobs\.drill: /),
    ]);
  });
});
