import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { Problem } from "../../../base/problem.ts";
import { waitUntil } from "../../../base/wait-until.ts";
import { ignoring, startWhatever } from "../../../docker/client.ts";
import {
  createOneShot,
  mountOf,
  type OneShot,
  removeOneShot,
  runOneShot,
} from "../../../docker/program-output.ts";
import type { DeployedStack } from "../../../stack/deployed-stack.ts";
import { secondsSince } from "../../format/part-files.ts";

/** A copy of Neo4j's store, made while its server was down, and how long that was. */
export interface StoreCopy {
  /** Volume that holds it, laid out like the store itself. */
  volume: string;
  stoppedSeconds: number;
  /** A one-shot container of the server's own image on the copy. */
  tool: (name: string, command: string[]) => Promise<Docker.Container>;
  remove: () => Promise<void>;
}

/** Neo4j needs no longer than this to start on a busy machine; measured are 16 to 48 s on two shared cores. */
const START_SECONDS = 300;

/** Where the container does not say how long its stop may take. */
const DEFAULT_GRACE_SECONDS = 120;

/** Memory for one program of Neo4j, which takes 256 MB of heap and as much again beside it. */
const TOOL_BYTES = 1024 ** 3;

const LABEL = "mem0.backup";

const stoppedSchema = z.strictObject({ container: z.string(), since: z.string() });

/**
 * Stops Neo4j, copies its files, starts it again and waits until it answers; the dump is then made from the copy. This
 * keeps the outage to the copying, which is quicker than a dump. Whatever goes wrong, Neo4j is started again; should
 * this process die, the next run or `./mem0 up` does it.
 *
 * @param graceSeconds how long Neo4j may take to stop; then Docker kills it, and there is no copy, since the files of a
 *   server that was killed cannot be dumped
 */
export async function copyStore(
  stack: DeployedStack,
  report: (line: string) => void,
  graceSeconds?: number,
): Promise<StoreCopy> {
  const { docker } = stack;
  const name = stack.container("neo4j");
  const container = docker.getContainer(name);
  const live = await container.inspect();
  const store = live.Mounts.find(({ Destination }) => Destination === "/data");
  if (store === undefined) throw new Problem("Neo4j has no store at /data", { where: name });
  const volume = `mem0_backup_neo4j_${stack.name}`;
  await removeLeftovers(stack);
  await docker.createVolume({ Name: volume, Labels: backupLabels(stack) });
  const shot = (purpose: string, command: string[]): OneShot => ({
    name: `mem0_backup_${purpose}_${stack.name}`,
    image: live.Image,
    command,
    user: live.Config.User,
    mounts: [{ Type: "volume", Source: volume, Target: "/data", ReadOnly: false }],
    labels: backupLabels(stack),
    memoryBytes: TOOL_BYTES,
  });
  const copy = shot("copy", ["-a", "/source/neo4j", "/data/"]);
  copy.entrypoint = ["cp"];
  copy.mounts.push(mountOf(store, "/source"));
  // Made before the stop: every second of it is outage.
  const copying = await createOneShot(docker, copy);
  const remove = async () => {
    await removeOneShot(copying);
    await removeVolume(docker, volume);
  };
  const marker = markerFile(stack);
  const { StopTimeout } = live.Config as { StopTimeout?: number };
  const grace = graceSeconds ?? StopTimeout ?? DEFAULT_GRACE_SECONDS;
  const started = performance.now();
  try {
    mkdirSync(path.dirname(marker), { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(marker, JSON.stringify({ container: name, since: new Date().toISOString() }));
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
      await runOneShot(copying, "copying the files of Neo4j");
    } finally {
      report("starting Neo4j");
      await startWhatever(docker, name);
    }
    await untilItAnswers(stack);
    rmSync(marker, { force: true });
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    volume,
    stoppedSeconds: secondsSince(started),
    tool: (purpose, command) => createOneShot(docker, shot(purpose, command)),
    remove,
  };
}

/**
 * Starts Neo4j again when a run that is dead has stopped it, and removes what such a run left in Docker. Call it under
 * the stack's lock.
 *
 * @returns whether Neo4j had to be started
 */
export async function mendNeo4j(stack: DeployedStack): Promise<boolean> {
  await removeLeftovers(stack);
  const marker = markerFile(stack);
  if (!existsSync(marker)) return false;
  const stopped = stoppedSchema.safeParse(JSON.parse(readFileSync(marker, "utf8")));
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

async function removeLeftovers(stack: DeployedStack): Promise<void> {
  const { docker } = stack;
  const filters = {
    label: Object.entries(backupLabels(stack)).map(([key, value]) => `${key}=${value}`),
  };
  for (const { Id } of await docker.listContainers({ all: true, filters })) {
    await removeOneShot(docker.getContainer(Id));
  }
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await removeVolume(docker, Name);
}

async function removeVolume(docker: Docker, name: string): Promise<void> {
  await docker.getVolume(name).remove().catch(ignoring(404));
}

/** Not the labels of the stack's own containers: `up` would take such a one for a stray. */
export function backupLabels({ manifest: { stack, homeId } }: DeployedStack): Record<string, string> {
  return { [LABEL]: `${homeId}-${stack}` };
}

function markerFile(stack: DeployedStack): string {
  return path.join(stack.directory, "backup", "neo4j-stopped.json");
}
