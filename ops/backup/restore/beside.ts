import { mkdirSync } from "node:fs";
import path from "node:path";
import { Problem } from "../../base/problem.ts";
import { counted } from "../../base/words.ts";
import { deployedService } from "../../stack/deployed-service.ts";
import type { BackupManifest } from "../format/backup-manifest.ts";
import type { SealState } from "../format/seal.ts";
import { waitForAll } from "../format/streams.ts";
import { databases } from "../stores/postgres/databases.ts";
import { NOT_SEALED, whyNotFiles, whyNotWhole } from "../stores/postgres/restore-files.ts";
import { THROWAWAY_POSTGRES } from "../stores/postgres/throwaway.ts";
import type { Journal } from "./journal.ts";
import {
  type Preparation,
  prepareGraph,
  prepareHistory,
  preparePostgres,
  preparePostgresFiles,
} from "./prepare.ts";
import type { Restorable } from "./restorable.ts";
import { roomOf, withinRoom } from "./room.ts";
import { removeBeside, type SwapPlaces } from "./swap.ts";
import type { RestoreTools } from "./tools.ts";

/**
 * How Postgres is restored: from files where the backup has them and the stack can take them, since they bring the
 * similarity index along; else from a dump, as files too where the live server holds nothing but the stack's data.
 *
 * @throws Problem when files are wished and cannot be had
 */
export async function postgresForm(
  tools: RestoreTools,
  { id, files, manifest, sealed }: Restorable,
  from: "dump" | "files" | undefined,
): Promise<Pick<Journal, "postgresAs" | "postgresFrom">> {
  if (from === "dump" || (files === undefined && from === undefined)) return fromDump(tools);
  const unfit =
    files === undefined || manifest === undefined
      ? "there are none in it"
      : await misfit(tools, sealed, manifest);
  if (unfit === undefined) return { postgresFrom: "files", postgresAs: "files" };
  const reason = `Postgres' files of backup ${id} cannot be used: ${unfit}`;
  if (from === "files") throw new Problem(reason, { mend: "the same command with --from dump" });
  tools.report(`${reason}; taking the dump`);
  return fromDump(tools);
}

async function fromDump({
  stack,
  report,
}: RestoreTools): Promise<Pick<Journal, "postgresAs" | "postgresFrom">> {
  const why = await whyNotWhole(stack, await deployedService(stack, "postgres"));
  if (why === undefined) return { postgresFrom: "dump", postgresAs: "files" };
  report(`${why}; the restored rows are copied into it`);
  return { postgresFrom: "dump", postgresAs: "database" };
}

/** Does without `withPlaces`, which only the holder of the lock may use: another restore may be at work. */
async function misfit(
  { stack }: RestoreTools,
  sealed: SealState,
  backup: BackupManifest,
): Promise<string | undefined> {
  const postgres = await deployedService(stack, "postgres");
  const live = await databases({
    docker: stack.docker,
    container: postgres.container,
    role: stack.readerRole,
  });
  return whyNotFiles(stack, postgres, sealed, backup, live);
}

/**
 * Restores all chosen stores beside the live ones, and verifies each there.
 *
 * @returns how many memories there are; undefined when Postgres is not restored
 */
export async function restoreBeside(
  tools: RestoreTools,
  places: SwapPlaces,
  backup: Restorable,
  journal: Journal,
): Promise<number | undefined> {
  const { id, stores, adopt } = journal;
  const { manifest, docker, directory } = tools.stack;
  mkdirSync(path.join(directory, "backup"), { recursive: true, mode: 0o700 });
  const { instanceId, model } = manifest;
  const preparation: Preparation = {
    docker,
    throwaway: places.throwaway,
    id,
    identity: { instanceId, embedder: model.embedder, dimensions: model.dimensions },
    adopt,
    counts: backup.manifest?.counts,
  };
  for (const store of stores) await removeBeside(store, ["restored"], places, journal);
  const server = places.throwaway.nameOf(THROWAWAY_POSTGRES);
  const room = roomOf(docker, places.postgres.container, server);
  const giveUp = async () => {
    await places.throwaway.remove();
    if (journal.postgresAs === "database") await removeBeside("postgres", ["restored"], places, journal);
  };
  return withinRoom(room, giveUp, () => restoreStores(tools, places, backup, journal, preparation));
}

/** Side by side: one waits for the disk while the other computes. */
async function restoreStores(
  tools: RestoreTools,
  places: SwapPlaces,
  backup: Restorable,
  journal: Journal,
  preparation: Preparation,
): Promise<number | undefined> {
  const { stores } = journal;
  const { report, stack } = tools;
  let memories: number | undefined;
  const { graph, history } = backup;
  const works: Promise<void>[] = [];
  if (stores.includes("postgres")) {
    works.push(
      restorePostgres(tools, places, backup, journal, preparation).then((count) => {
        memories = count;
        report(`Postgres: ${counted(count, "memory")} restored beside the live ones`);
      }),
    );
  }
  if (stores.includes("neo4j") && graph !== undefined) {
    report("restoring the graph in a throw-away Neo4j");
    works.push(
      prepareGraph(preparation, places.neo4j, graph).then(() =>
        report("Neo4j: restored, checked, laid beside"),
      ),
    );
  }
  if (stores.includes("history") && history !== undefined) {
    works.push(prepareHistory(preparation, places.server, history, stack.directory));
  }
  await waitForAll(works);
  return memories;
}

function restorePostgres(
  { stack, report }: RestoreTools,
  { postgres, postgresService }: SwapPlaces,
  backup: Restorable,
  { postgresAs, postgresFrom, leaveOutUnknown }: Journal,
  preparation: Preparation,
): Promise<number> {
  const live = stack.manifest.database.name;
  if ((postgresFrom ?? postgresAs) === "files") {
    if (backup.files === undefined) throw new Error(`${backup.directory} holds no files of Postgres`);
    // Looked at once more: the restore may have been begun by a version that knew no seals.
    if (backup.sealed !== "this-stack") {
      const mend = `./mem0 restore --roll-back --stack ${stack.name}, then the restore with --from dump`;
      throw new Problem(`Postgres' files of backup ${backup.id} cannot be used: ${NOT_SEALED}`, { mend });
    }
    report("starting a throw-away Postgres on the copied files");
    const names = { ...postgres, database: live };
    return preparePostgresFiles(preparation, postgresService, names, backup.files, backup.id);
  }
  if (backup.postgres === undefined) throw new Error(`${backup.directory} holds no dump of Postgres`);
  report("restoring Postgres in a throw-away server");
  const { postgres: dump } = backup;
  const wish = { dump, live: postgres, database: live, as: postgresAs, leaveOutUnknown, report };
  return preparePostgres(preparation, postgresService, wish);
}
