import { parseArgs } from "node:util";
import { seededRandom } from "../support/random.ts";
import { backupRounds } from "./backup-rounds.ts";
import { engineRestart } from "./blow.ts";
import { requireEngineAlone } from "./engine-restart.ts";
import { given, OPTIONS } from "./options.ts";
import { restoreRounds } from "./restore-rounds.ts";

/**
 * `./mem0 test rounds engine-kills --stack test --rounds 10 --seed 1`: restarts the machine's Docker engine at random moments
 * of so many backups and so many restores of a deployed stack. As root on Linux, where nothing but the stack runs.
 */
const { values } = parseArgs({ options: OPTIONS });
// The verb that mends what a killed engine left needs the stack's file, which a stack of the rounds has elsewhere.
const options = given({ ...values, stack: values.stack ?? "test" });
await requireEngineAlone(options.stack.manifest);
const rounds = { ...options, blow: engineRestart(seededRandom(options.seed + 1)), report: console.log };
const backups = await backupRounds(rounds);
const restores = await restoreRounds(rounds);
console.log(
  `the engine left ${backups.struck} backups and ${restores.struck} restores, ${backups.finished} and ${restores.finished} had ended before: ` +
    "nothing acknowledged was lost, the stack was whole again, every next run was clean",
);
