import { describe, expect, it } from "vitest";
import { KeptCount } from "../../../../services/exporter/src/kept-count.ts";

/** A count that takes as long as it is told, by a clock that only moves when told. */
function counting() {
  let now = 0;
  let finish: (() => void) | undefined;
  let taken = 0;
  const kept = new KeptCount(
    () =>
      new Promise((resolve) => {
        taken += 1;
        const value = taken * 100;
        finish = () => resolve(value);
      }),
    () => now,
  );
  return {
    kept,
    taken: () => taken,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    finish: () => finish?.(),
  };
}

describe("a count that grows with the data", () => {
  it("is waited for the first time", async () => {
    const { kept, pass, finish } = counting();
    const first = kept.read();
    pass(200);
    finish();
    expect(await first).toEqual({ value: 100, ageSeconds: 0 });
  });

  it("takes a twentieth of the time at most: one that took 200 ms is not taken again for 4 s", async () => {
    const { kept, pass, finish, taken } = counting();
    const first = kept.read();
    pass(200);
    finish();
    await first;
    pass(3_999);
    expect(await kept.read()).toEqual({ value: 100, ageSeconds: 3.999 });
    expect(taken()).toBe(1);
    pass(1);
    expect(await kept.read()).toEqual({ value: 100, ageSeconds: 4 });
    expect(taken()).toBe(2);
  });

  it("never holds a scrape up: the old value is shown while a new one is taken, by one query only", async () => {
    const { kept, pass, finish, taken } = counting();
    const first = kept.read();
    pass(200);
    finish();
    await first;
    pass(60_000);
    expect((await Promise.all([kept.read(), kept.read()])).map(({ value }) => value)).toEqual([100, 100]);
    expect(taken()).toBe(2);
    finish();
    expect((await kept.read()).value).toBe(200);
  });

  it("tells of a failure, and counts again at the next time", async () => {
    let broken = true;
    const kept = new KeptCount(async () => {
      if (broken) throw new Error("no such table");
      return 3;
    });
    await expect(kept.read()).rejects.toThrow("no such table");
    broken = false;
    expect((await kept.read()).value).toBe(3);
  });

  it("is forgotten with a store that was away", async () => {
    const values = [1, 2];
    const kept = new KeptCount(async () => values.shift() ?? 0);
    expect((await kept.read()).value).toBe(1);
    kept.forget();
    expect((await kept.read()).value).toBe(2);
  });
});
