import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { ByteMeter, counting } from "../../../../../ops/backup/format/byte-meter.ts";

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
    expect(said[0]).toEqual(["1.91 MiB, 1.91 MiB/s: postgres/mem0.dump", true]);
    expect(said.filter(([, passing]) => !passing)).toEqual([
      ["19.1 MiB, 1.91 MiB/s: postgres/mem0.dump", false],
    ]);
  });

  it("ends the stream for who gives up on the way", async () => {
    let told = 0;
    const giveUp = () => {
      told += 1;
      throw new Error("given up");
    };
    const counted = counting("postgres/mem0.dump", giveUp);
    await expect(pipeline(Readable.from(["a", "b"]), counted, new PassThrough())).rejects.toThrow("given up");
    expect(told).toBe(1);
  });
});
