import { rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readBelow } from "../../../base/below.ts";
import { secondsSince } from "../../../base/elapsed.ts";
import { Problem } from "../../../base/problem.ts";
import { waitUntil } from "../../../base/wait-until.ts";
import { writeBelow } from "../../../base/write-below.ts";
import { ignoring, startWhatever } from "../../../docker/client.ts";
import type { ProgramOutput } from "../../../docker/output.ts";
import { Throwaway, type ThrowawaySpec } from "../../../docker/throwaway.ts";
import { deployedService, likeDeployed } from "../../../stack/deployed-service.ts";
import type { DeployedStack } from "../../../stack/deployed-stack.ts";

/** Neo4j's store once more, as its files were while the server was down, and how long that was. */
export interface StoreClone {
  stoppedSeconds: number;
  /** Runs a program of the server's own image on the clone. */
  run: (command: string[], what: string) => Promise<ProgramOutput>;
  remove: () => Promise<void>;
}

/** Neo4j needs no longer than this to start on a busy machine; measured are 16 to 48 s on two shared cores. */
const START_SECONDS = 300;

/** Memory for one program of Neo4j, which takes 256 MB of heap and as much again beside it. */
const TOOL_BYTES = 1024 ** 3;

/** Where the image keeps its store. */
const DATA = "/data";

const stoppedSchema = z.strictObject({ container: z.string(), since: z.string() });

/**
 * Stops Neo4j, copies its files, starts it again and waits until it answers; the dump is then made from the clone. This
 * keeps the outage to the copying, which is quicker than a dump. Whatever goes wrong, Neo4j is started again; should
 * this process die, the next run or `./mem0 up` does it.
 *
 * @param graceSeconds how long Neo4j may take to stop; then Docker kills it, and there is no clone, since the files of a
 *   server that was killed cannot be dumped
 */
export async function cloneStore(
  stack: DeployedStack,
  report: (line: string) => void,
  graceSeconds?: number,
): Promise<StoreClone> {
  const { docker, manifest } = stack;
  const service = await deployedService(stack, "neo4j");
  const name = service.container;
  const container = docker.getContainer(name);
  const throwaway = await Throwaway.open(docker, manifest, "backup_neo4j");
  const clone = await throwaway.volume("store");
  const program: ThrowawaySpec = {
    ...likeDeployed(service),
    memoryBytes: TOOL_BYTES,
    stores: { [DATA]: clone },
  };
  const cp: ThrowawaySpec = {
    ...program,
    entrypoint: ["cp"],
    command: ["-a", "/source/neo4j", `${DATA}/`],
    readOnlyStores: { "/source": service.store },
  };
  // Made before the stop: every second of it is outage.
  const beginCopying = await throwaway.prepare(cp, "copying the files of Neo4j");
  const marker = markerFile(stack);
  const grace = graceSeconds ?? service.graceSeconds;
  const started = performance.now();
  try {
    writeBelow(stack.directory, marker, JSON.stringify({ container: name, since: new Date().toISOString() }));
    try {
      report("stopping Neo4j");
      await container.stop({ t: grace });
      const { State } = await container.inspect();
      if (State.ExitCode === 137) {
        throw new Problem(`Neo4j did not stop within ${grace} s and was killed`, {
          where: name,
          mend: `it was started again; docker logs ${name} tells why it hung, then repeat the backup`,
        });
      }
      report("copying its files");
      const { stream, done } = await beginCopying();
      stream.resume();
      await done;
    } finally {
      report("starting Neo4j");
      await startWhatever(docker, name);
    }
    await untilItAnswers(stack);
    rmSync(marker, { force: true });
  } catch (error) {
    await throwaway.remove();
    throw error;
  }
  return {
    stoppedSeconds: secondsSince(started),
    run: async (command, what) => (await throwaway.prepare({ ...program, command }, what))(),
    remove: () => throwaway.remove(),
  };
}

/**
 * Starts Neo4j again when a run that is dead has stopped it. Call it under the stack's lock.
 *
 * @returns whether Neo4j had to be started
 */
export async function mendNeo4j(stack: DeployedStack): Promise<boolean> {
  const marker = markerFile(stack);
  const text = readBelow(stack.directory, marker);
  if (text === undefined) return false;
  const stopped = stoppedSchema.safeParse(JSON.parse(text));
  if (stopped.success) {
    // 404: removed since by `down`.
    await stack.docker.getContainer(stopped.data.container).start().catch(ignoring(304, 404));
    await untilItAnswers(stack);
  }
  rmSync(marker, { force: true });
  return true;
}

async function untilItAnswers(stack: DeployedStack): Promise<void> {
  let cause: unknown;
  const name = stack.container("neo4j");
  const answers = async () => {
    // Without an engine, or its container, it never will.
    await stack.docker.getContainer(name).inspect();
    return stack.neo4j.verifyConnectivity().then(
      () => true,
      (error: unknown) => {
        cause = error;
        return false;
      },
    );
  };
  await waitUntil(answers, {
    withinMs: START_SECONDS * 1000,
    everyMs: 200,
    late: () =>
      new Problem(`Neo4j does not answer ${START_SECONDS} s after its start`, {
        where: name,
        mend: `docker logs ${name}`,
        cause,
      }),
  });
}

function markerFile(stack: DeployedStack): string {
  return path.join(stack.directory, "backup", "neo4j-stopped.json");
}
