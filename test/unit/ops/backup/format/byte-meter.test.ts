import { describe, expect, it } from "vitest";
import { ByteMeter } from "../../../../../ops/backup/format/byte-meter.ts";

describe("the progress of a backup", () => {
  it("tells bytes and rate: often in passing, now and then to stay", () => {
    let now = 0;
    const said: [string, boolean][] = [];
    const meter = new ByteMeter(
      (line, passing) => said.push([line, passing]),
      () => now,
    );
    for (let piece = 0; piece < 48; piece += 1) {
      now += 250;
      meter.onBytes("postgres/mem0.dump", 500_000);
    }
    expect(said).toHaveLength(12);
    expect(said[0]).toEqual(["2 MB, 2 MB/s: postgres/mem0.dump", true]);
    expect(said.filter(([, passing]) => !passing)).toEqual([["20 MB, 2 MB/s: postgres/mem0.dump", false]]);
  });
});
