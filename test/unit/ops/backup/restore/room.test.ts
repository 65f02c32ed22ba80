import { describe, expect, it } from "vitest";
import { RESERVE_BYTES, requireRoom, withinRoom } from "../../../../../ops/backup/restore/room.ts";

/** A disk that tells these numbers one after the other, and the last one for ever. */
const disk = (...free: [number | undefined, ...(number | undefined)[]]) => ({
  where: "the disk of mem0_postgres_prd",
  free: async () => (free.length > 1 ? free.shift() : free[0]),
});

const PLENTY = RESERVE_BYTES * 2;
const LITTLE = RESERVE_BYTES / 4;

const TOO_LITTLE = {
  message: "too little room: 256 MiB were free, and at least 1 GiB has to stay free for the live data",
  where: "the disk of mem0_postgres_prd",
};

/** Work that goes on until it has been given up often enough. */
function endless(times: number) {
  let givenUp = 0;
  let fail = (_: Error) => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const giveUp = async () => {
    givenUp += 1;
    if (givenUp < times) throw new Error("it still writes");
    fail(new Error("the database was dropped"));
  };
  return { giveUp, work: () => failed };
}

const never = async () => {
  throw new Error("not expected");
};

describe("room for what is restored beside the live data", () => {
  it("is required before anything is done", async () => {
    await expect(requireRoom(disk(LITTLE))).rejects.toMatchObject(TOO_LITTLE);
    await expect(withinRoom(disk(LITTLE), never, never)).rejects.toMatchObject(TOO_LITTLE);
    await requireRoom(disk(RESERVE_BYTES));
  });

  it("is not what stops a restore when nobody can tell how much there is", async () => {
    await requireRoom(disk(undefined));
    expect(await withinRoom(disk(undefined), never, async () => 7, 1)).toBe(7);
  });

  it("is given back before the last of it is taken, however often that has to be tried", async () => {
    const { giveUp, work } = endless(3);
    await expect(withinRoom(disk(PLENTY, PLENTY, LITTLE, PLENTY), giveUp, work, 1)).rejects.toMatchObject({
      ...TOO_LITTLE,
      cause: expect.objectContaining({ message: "the database was dropped" }),
    });
  });

  it("was lacking also when the work ended although it was given up", async () => {
    let end = () => {};
    const work = () => new Promise<void>((resolve) => (end = resolve));
    const giveUp = async () => end();
    await expect(withinRoom(disk(PLENTY, LITTLE), giveUp, work, 1)).rejects.toMatchObject(TOO_LITTLE);
  });

  it("leaves work that fails by itself its own error", async () => {
    const work = async () => {
      throw new Error("the dump is damaged");
    };
    await expect(withinRoom(disk(PLENTY), never, work, 1)).rejects.toThrow("the dump is damaged");
  });
});
