import type { DeployedStack } from "../../stack/deployed-stack.ts";
import type { BackupContent, BackupManifest, Counts } from "../format/backup-manifest.ts";
import { NO_IDENTITY } from "../stores/cut.ts";
import type { Beginning } from "./beginning.ts";
import type { Dumped } from "./dump-stores.ts";
import { reasonsForDoubt } from "./guard.ts";
import type { TakeOptions } from "./run.ts";

/**
 * What the manifest of a backup says, with the judgement whether it may take the place of the last good one.
 *
 * @param last the last good one; undefined when there is none
 */
export function contentOf(
  { name, manifest, backup }: DeployedStack,
  {
    options: { tier, now, toolVersion },
    beginning: { id, startedAt },
    dumped: { found, cutAt, pausedSeconds },
    last,
  }: { options: TakeOptions; beginning: Beginning; dumped: Dumped; last: BackupManifest | undefined },
): Omit<BackupContent, "checksums" | "parts"> {
  const { identities, versions, architecture } = found;
  const counts = found.counts as Counts;
  const identity = identities.postgres ?? NO_IDENTITY;
  const { instanceId, model, database } = manifest;
  const deployedAs = { instanceId, embedder: model.embedder, dimensions: model.dimensions };
  const reasons = reasonsForDoubt({ identity, identities, counts }, deployedAs, last, backup.maxDropShare);
  return {
    version: 1,
    id,
    tier,
    stack: name,
    result: reasons.length === 0 ? "good" : "suspect",
    reasons,
    startedAt: startedAt.toISOString(),
    cutAt: cutAt.toISOString(),
    finishedAt: now().toISOString(),
    toolVersion,
    identity,
    counts,
    versions: { postgres: "", pgvector: "", neo4j: "", ...versions },
    collection: database.collection,
    ...(architecture === undefined ? {} : { architecture }),
    encryption: backup.recipients.length === 0 ? null : { recipients: backup.recipients },
    writesHeldSeconds: pausedSeconds,
    neo4jStoppedSeconds: found.neo4jStoppedSeconds,
  };
}
