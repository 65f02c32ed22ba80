import { parseArgs } from "node:util";
import { backupRounds } from "./backup-rounds.ts";
import { KILL } from "./blow.ts";
import { given, OPTIONS } from "./options.ts";

/**
 * `./mem0 bench backup-kills --stack test --rounds 100 --seed 1`: kills backups of a deployed stack at random
 * moments. It writes memories of a user `rounds` and leaves them, and the backups, where they are.
 */
const { values } = parseArgs({ options: OPTIONS });
const { struck, finished } = await backupRounds({ ...given(values), blow: KILL, report: console.log });
console.log(
  `${struck} backups killed, ${finished} had finished before: none bad was listed as good, nothing acknowledged was lost, every next run was clean`,
);
