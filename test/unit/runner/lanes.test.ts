import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inLanes, type Job } from "../../runner/lanes.ts";

const quiet = new AbortController().signal;

/** Jobs that take some turns of the event loop, and what was at work at the same time as each. */
function observed(wanted: readonly { turns: number; claims: string[] }[]) {
  const atWork = new Set<number>();
  const together: number[][] = [];
  const jobs = wanted.map(
    ({ turns, claims }, index): Job<number> => ({
      name: String(index),
      claims,
      run: async () => {
        atWork.add(index);
        together.push([...atWork]);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        atWork.delete(index);
        return index;
      },
    }),
  );
  return { jobs, together };
}

describe("lanes", () => {
  it("do every job once, no more at a time than there are lanes, and none beside one with the same claim", async () => {
    const job = fc.record({ turns: fc.nat(9), claims: fc.subarray(["28100", "28600", "an image"]) });
    await fc.assert(
      fc.asyncProperty(fc.array(job), fc.integer({ min: 1, max: 4 }), async (wanted, lanes) => {
        const { jobs, together } = observed(wanted);
        const done = await inLanes(jobs, lanes, quiet);
        expect(done.toSorted((a, b) => a - b)).toEqual(wanted.map((_, index) => index));
        for (const running of together) {
          expect(running.length).toBeLessThanOrEqual(lanes);
          const claims = running.flatMap((index) => wanted[index]?.claims ?? []);
          expect(new Set(claims).size).toBe(claims.length);
        }
      }),
    );
  });

  it("begin with the first of the jobs, and pass over one whose claim is taken", async () => {
    const { jobs, together } = observed([
      { turns: 3, claims: ["port"] },
      { turns: 3, claims: ["port"] },
      { turns: 3, claims: [] },
    ]);
    await inLanes(jobs, 2, quiet);
    expect(together.slice(0, 2)).toEqual([[0], [0, 2]]);
  });

  it("begin nothing more once they are told to stop, and wait for what runs", async () => {
    const stop = new AbortController();
    const ended: string[] = [];
    const job = (name: string): Job<void> => ({
      name,
      run: async (signal) => {
        stop.abort();
        await Promise.resolve();
        expect(signal.aborted).toBe(true);
        ended.push(name);
      },
    });
    await inLanes([job("first"), job("second")], 1, stop.signal);
    expect(ended).toEqual(["first"]);
    expect(await inLanes([job("third")], 1, stop.signal)).toEqual([]);
  });

  it("throw what a job throws, when those beside it have ended", async () => {
    const ended: string[] = [];
    const jobs: Job<void>[] = [
      { name: "throws", run: () => Promise.reject(new Error("no Python")) },
      {
        name: "goes on",
        run: async () => {
          for (let turn = 0; turn < 9; turn += 1) await Promise.resolve();
          ended.push("goes on");
        },
      },
      { name: "is not begun", run: async () => void ended.push("is not begun") },
    ];
    await expect(inLanes(jobs, 2, quiet)).rejects.toThrow("no Python");
    expect(ended).toEqual(["goes on"]);
  });
});
