import path from "node:path";
import { NEO4J_ANSWERS, postgresAnswers } from "../../../config/probes.ts";
import { secondsSince } from "../../base/elapsed.ts";
import { deployedService } from "../../stack/deployed-service.ts";
import { type Journal, writeJournal } from "./journal.ts";
import { startOthers, startService, stopService, untilServerReady } from "./services.ts";
import { RESTORED, type RestoredStore, type SwapPlaces, serviceOnFiles, swapStore } from "./swap.ts";
import { type RestoreTools, withPlaces } from "./tools.ts";

export interface RestoreReport {
  backup: string;
  stores: RestoredStore[];
  /** Live now; undefined when Postgres was not restored. */
  memories: number | undefined;
  safetyBackup: string | undefined;
  /** From the first byte to the stack that serves what was restored. */
  seconds: number;
  /** How long the stack did not serve. */
  downSeconds: number;
  /** What an old backup did not hold or prove. */
  lacks: string[];
}

/** Lets what was restored take the place of what is live, and serve. */
export async function swapIn(
  tools: RestoreTools,
  journal: Journal,
  lacks: string[],
  started: number,
): Promise<RestoreReport> {
  const { stack, report } = tools;
  tools.signal?.throwIfAborted();
  const downSince = performance.now();
  await stopServer(tools);
  writeJournal(stack.directory, { ...journal, phase: "swapping" });
  await swapAll(tools, journal, "forward");
  writeJournal(stack.directory, { ...journal, phase: "done" });
  report("the restored data serves");
  return {
    backup: path.basename(journal.backup),
    stores: journal.stores,
    memories: journal.memories ?? undefined,
    safetyBackup: journal.safetyBackup === "none" ? undefined : (journal.safetyBackup ?? undefined),
    seconds: secondsSince(started),
    downSeconds: secondsSince(downSince),
    lacks: [
      ...lacks,
      ...(journal.stores.length < RESTORED.length ? [onlySome(journal.stores, stack.name)] : []),
    ],
  };
}

function onlySome(stores: RestoredStore[], stack: string): string {
  return `only ${stores.join(" and ")} of stack ${stack} was restored: the other stores may speak of what it does not hold`;
}

/** Lets what was live before serve again, however far the restore had come. */
export async function undo(tools: RestoreTools, journal: Journal): Promise<void> {
  const { stack, report } = tools;
  writeJournal(stack.directory, { ...journal, phase: "undoing" });
  await stopServer(tools);
  await swapAll(tools, journal, "back");
  writeJournal(stack.directory, { ...journal, phase: "undone" });
  report("what was live before serves again");
}

async function stopServer({ stack, report }: RestoreTools): Promise<void> {
  report("stopping the memory server");
  await stopService(stack.docker, await deployedService(stack, "server"));
}

/** Stops the stores whose files change, swaps, and starts them and the server again. Every step may be repeated. */
async function swapAll(tools: RestoreTools, journal: Journal, direction: "forward" | "back"): Promise<void> {
  const { stack, report } = tools;
  await withPlaces(tools, async (places) => {
    const stopped = [
      { store: "postgres", named: "Postgres", healthy: postgresAnswers(stack.manifest.database) },
      { store: "neo4j", named: "Neo4j", healthy: NEO4J_ANSWERS },
    ] as const;
    const services = stopped.flatMap(({ store, named, healthy }) => {
      const service = journal.stores.includes(store) ? serviceOnFiles(store, places, journal) : undefined;
      return service === undefined ? [] : [{ service, named, healthy }];
    });
    const swapped = services.map(({ service }) => service.container);
    await startOthers(stack, [...swapped, places.server.container]);
    for (const { service, named } of services) {
      report(`stopping ${named}`);
      await stopService(stack.docker, service);
    }
    for (const store of journal.stores) {
      report(
        `${direction === "forward" ? "putting the restored" : "putting back the former"} ${store} in its place`,
      );
      await swapStore(store, direction, places, journal);
    }
    for (const { service, named, healthy } of services) {
      report(`starting ${named}`);
      await startService(stack, service, healthy);
    }
    await startServer(tools, places);
  });
}

/** Starts the memory server, and waits until it serves. */
export async function startServer({ stack, report }: RestoreTools, { server }: SwapPlaces): Promise<void> {
  report("starting the memory server");
  await startService(stack, server);
  await untilServerReady(stack, server);
}
