import { parseArgs } from "node:util";
import { backupRounds } from "./backup-rounds.ts";
import { KILL } from "./blow.ts";
import { OPTIONS, onStack } from "./options.ts";

/**
 * `./mem0 test rounds backup-kills --rounds 100 --seed 1`: kills backups at random moments. On a stack that was named it
 * writes memories of a user `rounds`, and leaves them, and the backups, where they are.
 */
const { values } = parseArgs({ options: OPTIONS });
await onStack(values, async (given) => {
  const { struck, finished } = await backupRounds({ ...given, blow: KILL, report: console.log });
  console.log(
    `${struck} backups killed, ${finished} had finished before: none bad was listed as good, nothing acknowledged was lost, every next run was clean`,
  );
});
