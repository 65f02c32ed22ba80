import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Part } from "../../../../../../ops/backup/format/backup-manifest.ts";
import { readText, sqlText } from "../../../../../../ops/backup/stores/postgres/sql-text.ts";
import type { ThrowawayPostgres } from "../../../../../../ops/backup/stores/postgres/throwaway.ts";
import { deployedLike } from "../../../../../harness/support/deployed-like.ts";

const MIB = 1024 ** 2;
const DUMP: Part = {
  source: "postgres",
  name: "mem0",
  file: "postgres/mem0.dump",
  format: "pg-custom",
  bytes: 1000,
  seconds: 0,
};

/** What a pg_restore makes of a dump that holds so many MiB; tells how many were asked of it. */
function unpacking(mib: number) {
  let asked = 0;
  function* pieces() {
    for (; asked < mib; asked += 1) yield Buffer.alloc(MIB, "-- nothing\n");
  }
  const throwaway = { filter: async () => ({ stream: Readable.from(pieces()), done: Promise.resolve() }) };
  const place = { throwaway, deployed: deployedLike("postgres") } as unknown as ThrowawayPostgres;
  const text = sqlText(place, { part: DUMP, open: () => Readable.from([]) });
  const read = async (source: Readable) => {
    let bytes = 0;
    for await (const chunk of source) bytes += (chunk as Buffer).length;
    return bytes;
  };
  return { whole: readText({ part: DUMP, text, stack: "test" }, read), asked: () => asked };
}

describe("the text of a dump in pg_dump's own format", () => {
  it("comes whole, as far as one of its size can hold", async () => {
    await expect(unpacking(3).whole).resolves.toBe(3 * MIB);
  });

  it("ends at its bound in a restore too, and what makes it is asked for no more", async () => {
    const bomb = unpacking(2_000);
    await expect(bomb.whole).rejects.toMatchObject({
      message: expect.stringMatching(/^the part unpacks to more than 64(\.\d)? MiB, which none does/),
      where: DUMP.file,
    });
    expect(bomb.asked()).toBeLessThan(80);
  });
});
