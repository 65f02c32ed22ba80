import { existsSync } from "node:fs";
import {
  LocalWorkspace,
  PulumiCommand,
  type RefreshOptions,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import type Docker from "dockerode";
import { LABELS } from "../../config/names.ts";
import { Problem } from "../base/problem.ts";
import { ignoring, withDocker } from "../docker/client.ts";
import { untilHealthy } from "../docker/healthy.ts";
import { engineFailure } from "./engine-failure.ts";
import { releaseDeadLocks } from "./engine-lock.ts";
import { putBackManifest } from "./manifest-recovery.ts";
import { PulumiNarrator, type Report } from "./pulumi-events.ts";
import {
  type ExportedState,
  planRecovery,
  type RecoveryPlan,
  type Seen,
  type StateResource,
} from "./recovery-plan.ts";

/** Where and how Pulumi runs: what `./mem0 env` prints, as a value. */
export interface PulumiContext {
  checkout: string;
  stack: string;
  env: Record<string, string>;
  /** Directory whose `bin` holds the Pulumi CLI. */
  tools: string;
  /** Directory of Pulumi's file backend. */
  backend: string;
  dockerHost: string;
  homeId: string;
}

/** Number of resources by what happened to them, e.g. `{ create: 3, same: 20 }`. */
export type Changes = Record<string, number>;

/** Selects the stack, or makes it. */
export function openStack(context: PulumiContext): Promise<Stack> {
  const { checkout, stack, env, tools } = context;
  return explained(context, async () => {
    const pulumiCommand = await PulumiCommand.get({ root: tools });
    return LocalWorkspace.createOrSelectStack(
      { stackName: stack, workDir: checkout },
      { envVars: env, pulumiCommand },
    );
  });
}

/** Asks Pulumi for something; when it fails, a person reads what failed and what mends it. */
export async function explained<T>(context: PulumiContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw engineFailure(cause, context);
  }
}

/** What `deploy` would do, as counts by kind of change; changes nothing. */
export async function previewChanges(context: PulumiContext, report: Report): Promise<Changes> {
  const stack = await openStack(context);
  mendManifest(await explained(context, () => exportState(stack)), report);
  return narrate(context, report, `./mem0 doctor`, async (onEvent) => {
    const { changeSummary } = await stack.preview({ onEvent, color: "never", suppressProgress: true });
    return changeSummary;
  });
}

/** Brings the stack to what the program says; mends first what a killed run or a hand has left behind. */
export async function deploy(context: PulumiContext, report: Report): Promise<Changes> {
  releaseDeadLocks(context, report);
  const stack = await openStack(context);
  const plan = await explained(context, () => recover(context, stack, report));
  return narrate(context, report, `./mem0 doctor`, async (onEvent) => {
    if (plan.refresh) await askDocker(stack, plan, { onEvent });
    const { summary } = await stack.up({
      onEvent,
      color: "never",
      suppressProgress: true,
      replace: plan.rewrite,
    });
    return summary.resourceChanges ?? {};
  });
}

/**
 * Stops and removes all that holds no data; what is protected stays in the state and on the host.
 *
 * @param dataMayBeGone whether it goes on where the engine does not have the stack's volumes, as after a deletion that
 *   was cut off
 */
export async function removeContainers(
  context: PulumiContext,
  report: Report,
  dataMayBeGone = false,
): Promise<Changes> {
  releaseDeadLocks(context, report);
  const stack = await openStack(context);
  await explained(context, () => recover(context, stack, report, dataMayBeGone));
  return narrate(context, report, `./mem0 down ${context.stack}`, async (onEvent) => {
    const { summary } = await stack.destroy({
      onEvent,
      color: "never",
      suppressProgress: true,
      excludeProtected: true,
    });
    return summary.resourceChanges ?? {};
  });
}

/** Runs an operation of Pulumi; its own errors become one Problem instead of pages of output. */
async function narrate<T>(
  context: PulumiContext,
  report: Report,
  mend: string,
  operation: (onEvent: PulumiNarrator["onEvent"]) => Promise<T>,
): Promise<T> {
  const narrator = new PulumiNarrator(report);
  try {
    return await operation(narrator.onEvent);
  } catch (cause) {
    throw engineFailure(cause, context, { told: narrator.problems(), mend });
  }
}

/** Brings the state in line with what there is in Docker. */
async function askDocker(
  stack: Stack,
  { elsewhere }: RecoveryPlan,
  options: Pick<RefreshOptions, "onEvent" | "clearPendingCreates">,
): Promise<void> {
  const exclude = elsewhere.length === 0 ? {} : { exclude: elsewhere };
  await stack.refresh({ ...options, ...exclude, color: "never", suppressProgress: true });
}

async function exportState(stack: Stack): Promise<ExportedState> {
  const { deployment } = await stack.exportStack();
  return {
    resources: (deployment?.resources ?? []) as StateResource[],
    pendingOperations: (deployment?.pending_operations ?? []).length,
  };
}

function mendManifest({ resources }: ExportedState, report: Report): void {
  const file = putBackManifest(resources);
  if (file !== undefined) report(`${file} was damaged or gone: it is put back as it was deployed`);
}

/** Said before anything asks the engine how the stack is: its answer would be taken for the end of the data. */
function withoutData({ stack, dockerHost }: PulumiContext, lost: string[]): Problem {
  return new Problem(
    `this Docker engine does not have the data of stack ${stack}: no volume ${lost.join(", ")}`,
    {
      where: dockerHost,
      mend:
        "start the engine that the stack was deployed on, then: ./mem0 setup; should the data be gone for good: " +
        `./mem0 down ${stack} --delete-data`,
    },
  );
}

async function recover(
  context: PulumiContext,
  stack: Stack,
  report: Report,
  dataMayBeGone = false,
): Promise<RecoveryPlan> {
  const state = await exportState(stack);
  mendManifest(state, report);
  return withDocker(context.dockerHost, async (docker) => {
    const volumes = (await docker.listVolumes()).Volumes ?? [];
    const names = volumes.map(({ Name }) => Name);
    const plan = planRecovery(state, await ourThings(docker, context), names, existsSync);
    if (plan.lost.length > 0 && !dataMayBeGone) throw withoutData(context, plan.lost);
    if (state.pendingOperations > 0) {
      report("an earlier run was cut off: asking Docker how far it came");
      await askDocker(stack, plan, { clearPendingCreates: true });
    }
    for (const stray of plan.strays) {
      report(`removing ${stray.name}, left by a run that was cut off`);
      await removeStray(docker, stray);
    }
    for (const stopped of plan.stopped) {
      report(`starting ${stopped.name}, which was stopped`);
      await docker.getContainer(stopped.id).start();
    }
    await Promise.all(plan.stopped.map(({ name }) => untilHealthy(docker, name)));
    return plan;
  });
}

/** Containers first: a network can only go when nothing is attached to it. */
async function ourThings(docker: Docker, { stack, homeId }: PulumiContext): Promise<Seen[]> {
  const filters = { label: [`${LABELS.stack}=${stack}`, `${LABELS.home}=${homeId}`] };
  const [containers, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
  ]);
  return [
    ...containers.map(({ Id, Names, State }) => ({
      kind: "container" as const,
      id: Id,
      name: (Names[0] ?? Id).replace(/^\//, ""),
      running: State === "running" || State === "restarting",
    })),
    ...networks.map(({ Id, Name }) => ({ kind: "network" as const, id: Id, name: Name, running: true })),
  ];
}

async function removeStray(docker: Docker, { kind, id }: Seen): Promise<void> {
  if (kind === "network") return docker.getNetwork(id).remove();
  const container = docker.getContainer(id);
  // Stops with the grace that the container was made with, so that a database closes its files.
  await container.stop().catch(ignoring(304, 404));
  await container.remove({ force: true, v: false });
}
