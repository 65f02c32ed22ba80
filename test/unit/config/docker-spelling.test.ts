import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpusSpelling, durationSpelling, nearestCpus } from "../../../config/docker-spelling.ts";
import { createOptions } from "../../../toolchain/plugins/docker/container-request.ts";
import { containerState } from "../../../toolchain/plugins/docker/container-state.ts";
import type { Properties } from "../../../toolchain/plugins/protocol/value.ts";
import { formatDuration } from "../../../toolchain/plugins/schema/duration.ts";
import { described } from "../toolchain/plugins/described.ts";

/** What the stand-in reads back, which is proven against the record of the official plugin. */
function readBack(inputs: Properties): Properties {
  return containerState(described(createOptions(inputs)), inputs);
}

describe("CPU limits", () => {
  test.each([
    [0.1, "0.1"],
    [0.25, "0.25"],
    [1, "1.0"],
    [1.05, "1.05"],
    [2, "2.0"],
    [10, "10."],
    [10.5, "10.5"],
    [16, "16.0"],
    [0.123456789, "0.123456789"],
  ])("%d is written as %s", (cpus, spelling) => {
    expect(cpusSpelling(cpus)).toBe(spelling);
  });

  test.each([
    [20.05, 20.1],
    [10.005, 10],
    [60.01, 60],
    [0.1234567891, 0.12],
  ])("%d is read back as another number, and %d is the nearest that is not", (cpus, nearest) => {
    expect(cpusSpelling(cpus)).toBeUndefined();
    expect(nearestCpus(cpus)).toBe(nearest);
  });

  test("of a stack file are read back as they are written, or have no spelling and one beside them that has", () => {
    const cpus = fc.oneof(
      fc.integer({ min: 10, max: 6400 }).map((hundredths) => hundredths / 100),
      fc.integer({ min: 1e8, max: 64e9 }).map((nano) => nano / 1e9),
      fc.double({ min: 0.1, max: 64, noNaN: true }),
    );
    fc.assert(
      fc.property(cpus, (asked) => {
        const limit = cpusSpelling(asked) === undefined ? nearestCpus(asked) : asked;
        expect(Math.abs(limit - asked)).toBeLessThan(0.11);
        const spelling = cpusSpelling(limit) ?? "none";
        expect(Number(spelling)).toBe(limit);
        expect(readBack({ cpus: spelling }).cpus).toBe(spelling);
      }),
    );
  });
});

test("durations are written as Go prints them", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (seconds) => {
      expect(durationSpelling(seconds)).toBe(formatDuration(seconds * 1e9));
    }),
  );
});
