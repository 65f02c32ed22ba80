import { expect, it } from "vitest";
import { fuzzReaders } from "../../../../harness/rounds/backup-fuzz-rounds.ts";

/** A seed that is always the same: the long rounds, with other seeds, are a command of their own. */
const SEED = 1;
const ROUNDS = 25;

it(`a damaged or forged backup is refused by name or read whole, and nothing outside of it is touched (seed ${SEED})`, async () => {
  const { refused, read } = await fuzzReaders({ rounds: ROUNDS, seed: SEED });
  expect(refused + read).toBe(ROUNDS);
  expect(refused).toBeGreaterThan(read);
});
