import { parseArgs } from "node:util";
import { RESTORED } from "../../../ops/backup/restore/swap.ts";
import { KILL } from "./blow.ts";
import { OPTIONS, onStack } from "./options.ts";
import { restoreRounds } from "./restore-rounds.ts";

/**
 * `./mem0 test rounds restore-kills --rounds 100 --seed 1`: kills restores of the newest backup at random moments, of one
 * store with `--only postgres`. It changes the data of a stack that was named.
 */
const { values } = parseArgs({
  options: { ...OPTIONS, only: { type: "string" }, identity: { type: "string" } },
});
await onStack(values, async (given) => {
  const { struck, finished } = await restoreRounds({
    ...given,
    blow: KILL,
    only: RESTORED.find((store) => store === values.only),
    identity: values.identity,
    report: console.log,
  });
  console.log(
    `${struck} restores killed, ${finished} had ended before: never anything served but what was live or what was in the backup`,
  );
});
