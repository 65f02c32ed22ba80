import { withDocker } from "../../docker/client.ts";
import { whileEngineRuns } from "../../docker/engine-watch.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { PartFiles } from "../format/part-files.ts";
import { readCatalogue } from "../keep/catalogue.ts";
import { onDisk } from "../keep/root.ts";
import { withBackupLock } from "../lock.ts";
import { keepSealKeys, sealKeyOf, sealKeysOf } from "../seal-keys.ts";
import { copyElsewhere, promoteWhereDue, removeOld } from "./afterwards.ts";
import { begin, mendCutOff, openRoot } from "./beginning.ts";
import { contentOf } from "./content.ts";
import { dumpStores } from "./dump-stores.ts";
import { lastGood } from "./guard.ts";
import { noteEnd } from "./note.ts";
import type { Made, Taken, TakeOptions } from "./run.ts";
import { sealPinned } from "./sealing.ts";

/**
 * Makes one backup: lock, begin, dump all stores as they are at one moment, judge, seal, keep, copy elsewhere. Notes how
 * it went for the exporter, whatever happens.
 *
 * @throws Problem when there is no backup; nothing unfinished counts as one
 */
export function takeBackup(stack: DeployedStack, options: TakeOptions): Promise<Taken> {
  return withBackupLock(stack.directory, () =>
    noteEnd(stack, options, () => withDocker(stack.dockerHost, () => take(stack, options))),
  );
}

async function take(stack: DeployedStack, options: TakeOptions): Promise<Made> {
  const { root, recipients, keep } = stack.backup;
  const { tier, report, now, signal = new AbortController().signal } = options;

  const key = sealKeyOf(stack);
  keepSealKeys(stack);
  const keys = sealKeysOf(stack);
  if (key === undefined)
    report(`the stack has no key to seal this backup with: ./mem0 up ${stack.name} makes it`);
  const unfinished = await openRoot(stack, options);
  await mendCutOff(stack, report);
  const parts = new PartFiles(unfinished, recipients, options.onBytes, signal);
  const beginning = await begin(root, readCatalogue(root, keys), now);

  const dumped = await whileEngineRuns(
    stack.dockerHost,
    () => onDisk(root, () => dumpStores(stack, { ...options, id: beginning.id, parts, signal })),
    () => ({
      outcome: "there is no backup of this run",
      mend: `./mem0 up ${stack.name} starts what stands still, then: ./mem0 backup ${stack.name} --tier ${tier}`,
    }),
  );

  const last = lastGood(readCatalogue(root, keys))?.manifest;
  return onDisk(root, async () => {
    const content = contentOf(stack, { options, beginning, dumped, last });
    const backup = await sealPinned(root, unfinished, parts, content, { pin: options.pin, key });
    if (content.result === "suspect") return { backup, promoted: [], copyFailure: undefined };

    const promoted = await promoteWhereDue(root, backup, keys, report);
    if (options.keepAll !== true) removeOld(root, keep, now(), keys, report);
    return { backup, promoted, copyFailure: await copyElsewhere(stack, backup, report) };
  });
}
