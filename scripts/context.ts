import { existsSync, readdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Machine, readMachine } from "../config/machine.ts";
import type { Manifest } from "../config/manifest.ts";
import { homeIdOf } from "../config/settings.ts";
import type { EngineContext } from "../ops/deployment.ts";
import { readManifest } from "../ops/manifest.ts";
import { ExitCode, Problem } from "../ops/problem.ts";
import { environment } from "../toolchain/environment.ts";

/** Root of this checkout. */
export const CHECKOUT = path.dirname(import.meta.dirname);

/** Directory of backend, passphrase, manifests and secret files; `MEM0_HOME` moves it. */
export function stateHome(): string {
  return path.resolve(process.env.MEM0_HOME ?? path.join(os.homedir(), ".mem0-host"));
}

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
    backend: path.join(machine.stateHome, "pulumi"),
    dockerHost: machine.docker.host,
    homeId: homeIdOf(machine.stateHome),
    machine,
  };
}

/** Manifest of a deployed stack. */
export function deployedStack(stack: string): Manifest {
  return readManifest(stateHome(), stack);
}
