import { describe, expect, it } from "vitest";
import type { Catalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import { begin } from "../../../../../ops/backup/take/beginning.ts";

const NONE = { good: [], foreign: [], suspects: [], damaged: [] } as unknown as Catalogue;

/** A root in which backups of these ids lie, one of each kind. */
function holding(kind: keyof typeof NONE, id: string): Catalogue {
  return { ...NONE, [kind]: [{ id }] } as unknown as Catalogue;
}

/** A clock that only sleeping moves. */
function clockAt(start: string) {
  let time = Date.parse(start);
  return {
    now: () => new Date(time),
    sleep: async (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

describe("a backup begins", () => {
  it("with an id that is its time, to the second", async () => {
    const { now, sleep } = clockAt("2026-11-24T02:30:00.250Z");
    expect(await begin("/b", NONE, now, sleep)).toEqual({ id: "20261124_023000", startedAt: now() });
  });

  it.each(["good", "foreign", "suspects", "damaged"] as const)(
    "a second later when there is one of the same second among the %s",
    async (kind) => {
      const { now, sleep } = clockAt("2026-11-24T02:30:00.250Z");
      const begun = await begin("/b", holding(kind, "20261124_023000"), now, sleep);
      expect(begun).toEqual({ id: "20261124_023001", startedAt: new Date("2026-11-24T02:30:01.000Z") });
    },
  );

  it("never before another: a clock that was set back is refused", async () => {
    const { now, sleep } = clockAt("2026-11-24T02:30:00Z");
    await expect(begin("/b", holding("good", "20261125_000000"), now, sleep)).rejects.toThrow(
      "the clock says 20261124_023000, but there is a backup of 20261125_000000",
    );
  });
});
