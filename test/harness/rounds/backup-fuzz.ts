import { parseArgs } from "node:util";
import { freshSeed } from "../support/random.ts";
import { fuzzReaders } from "./backup-fuzz-rounds.ts";

/**
 * `./mem0 test rounds backup-fuzz --rounds 500 --seed 1`: damages backups in every way that the random numbers choose, and
 * has them read. It needs neither Docker nor a stack.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "500" },
    seed: { type: "string", default: String(freshSeed()) },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
console.log(`${rounds} rounds, seed ${seed}`);
const { refused, read } = await fuzzReaders({ rounds, seed, report: console.log });
console.log(
  `${refused} damaged backups were refused by name, ${read} were read whole; nothing outside of them was touched`,
);
