import { parseArgs } from "node:util";
import { readManifest } from "../../ops/manifest.ts";
import { stateHome } from "../../toolchain/layout.ts";
import { freshSeed } from "../support/random.ts";
import { backupKillRounds } from "./kill-rounds.ts";

/**
 * `./mem0 bench backup-kills --stack test --rounds 100 --seed 1`: kills backups of a deployed stack at random
 * moments. It writes memories of a user `rounds` and leaves them, and the backups, where they are.
 */
const { values } = parseArgs({
  options: {
    stack: { type: "string", default: "test" },
    rounds: { type: "string", default: "100" },
    seed: { type: "string", default: String(freshSeed()) },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
console.log(`${rounds} rounds on stack ${values.stack}, seed ${seed}`);
const { killed, finished } = await backupKillRounds({
  manifest: readManifest(stateHome(), values.stack),
  stateHome: stateHome(),
  rounds,
  seed,
  report: console.log,
});
console.log(
  `${killed} backups killed, ${finished} had finished before: none bad was listed as good, nothing acknowledged was lost, every next run was clean`,
);
