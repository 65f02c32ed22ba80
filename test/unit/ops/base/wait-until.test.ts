import { describe, expect, it } from "vitest";
import { Problem } from "../../../../ops/base/problem.ts";
import { waitUntil } from "../../../../ops/base/wait-until.ts";

const late = () => new Problem("it did not come");

describe("waiting for something", () => {
  it("looks until it is there", async () => {
    let looks = 0;
    await waitUntil(async () => ++looks === 3, { withinMs: 60_000, everyMs: 1, late });
    expect(looks).toBe(3);
  });

  it("ends with what to say when it does not come in time", async () => {
    const never = waitUntil(async () => false, { withinMs: 0, everyMs: 1, late });
    await expect(never).rejects.toThrow("it did not come");
  });

  it("does not wait on when looking itself fails", async () => {
    let looks = 0;
    const broken = async () => {
      looks += 1;
      throw new Problem("nobody is there any more");
    };
    await expect(waitUntil(broken, { withinMs: 60_000, everyMs: 1, late })).rejects.toThrow(
      "nobody is there",
    );
    expect(looks).toBe(1);
  });
});
