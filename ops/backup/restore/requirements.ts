import { once } from "node:events";
import { Problem } from "../../base/problem.ts";
import { compareChecksums, compareOldChecksums } from "../format/checksums.ts";
import type { Restorable } from "./restorable.ts";
import { RESTORED, type RestoredStore } from "./swap.ts";

/** @throws Problem when a file of the backup is not as it was written */
export async function requireAsWritten(
  { manifest, directory, id }: Restorable,
  stack: string,
): Promise<void> {
  const compared =
    manifest === undefined ? compareOldChecksums(directory) : compareChecksums({ manifest, directory });
  await compared.catch((cause: Error) => {
    const mend = `take another one: ./mem0 backups ${stack}`;
    throw new Problem(`backup ${id} is damaged: ${cause.message}`, { where: directory, mend });
  });
}

/** @throws Problem when the identity is the wrong one, which is found before anything is done */
export async function requireReadable({ id, manifest, history, postgres }: Restorable): Promise<void> {
  const part = history ?? postgres;
  if (manifest?.encryption == null || part === undefined) return;
  const stream = part.open();
  try {
    await once(stream, "readable");
  } catch (cause) {
    throw new Problem(`the identity does not open backup ${id}`, {
      mend: "--identity FILE, with the age identity of one of its recipients",
      cause,
    });
  } finally {
    stream.destroy();
  }
}

/**
 * The stores that are to be restored.
 *
 * @throws Problem when the backup lacks what is asked for, or holds nothing
 */
export function storesOf(backup: Restorable, only: RestoredStore | undefined): RestoredStore[] {
  const held: Record<RestoredStore, unknown> = {
    postgres: backup.postgres,
    neo4j: backup.graph,
    history: backup.history,
  };
  const stores = RESTORED.filter((store) => held[store] !== undefined);
  if (only !== undefined && !stores.includes(only)) {
    throw new Problem(`backup ${backup.id} holds no ${only}`, { where: backup.directory });
  }
  return only === undefined ? stores : [only];
}
