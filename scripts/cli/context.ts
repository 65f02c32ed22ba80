import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Manifest } from "../../config/manifest.ts";
import { homeIdOf } from "../../config/settings.ts";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import type { EngineContext } from "../../ops/stack/deployment.ts";
import { type Machine, readMachine } from "../../ops/stack/machine-file.ts";
import { readManifest } from "../../ops/stack/manifest-file.ts";
import { environment } from "../../toolchain/environment.ts";
import { CHECKOUT, stateHome, stateLayout, toolchainLayout } from "../../toolchain/layout.ts";

/** The stack a person named; a Problem that lists the stacks when there is no such stack file. */
export function requireStackFile(stack: string): string {
  if (existsSync(path.join(CHECKOUT, `Pulumi.${stack}.yaml`))) return stack;
  const stacks = readdirSync(CHECKOUT)
    .map((name) => /^Pulumi\.(\w+)\.yaml$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  throw new Problem(`there is no stack file Pulumi.${stack}.yaml`, {
    mend: `one of: ${stacks.join(", ")}`,
    exitCode: ExitCode.usage,
  });
}

/** What the engine needs to work on `stack` of this checkout. */
export function engineContext(stack: string): EngineContext & { machine: Machine } {
  const machine = readMachine(CHECKOUT);
  return {
    checkout: CHECKOUT,
    stack,
    env: environment(CHECKOUT, machine),
    tools: toolchainLayout(CHECKOUT).root,
    backend: stateLayout(machine.stateHome).backend,
    dockerHost: machine.docker.host,
    homeId: homeIdOf(machine.stateHome),
    machine,
  };
}

/** Manifest of a deployed stack. */
export function deployedStack(stack: string): Manifest {
  return readManifest(stateHome(), stack);
}
