import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { homeIdOf } from "../../config/settings.ts";
import { checkRoot, ownerOf } from "../../ops/backup/keep/root.ts";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { DeployedStack } from "../../ops/stack/deployed-stack.ts";
import type { EngineContext } from "../../ops/stack/deployment.ts";
import { type Machine, readMachine } from "../../ops/stack/machine-file.ts";
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

/** A stack as it was deployed on this host. */
export function deployedStack(stack: string): DeployedStack {
  return DeployedStack.read(stateHome(), stack);
}

/**
 * A deployed stack whose backups are looked at.
 *
 * @returns also whether anything was ever put into its backup root
 * @throws Problem when the root is another stack's, or its disk is not mounted
 */
export function stackWithBackups(name: string): { stack: DeployedStack; used: boolean } {
  const stack = deployedStack(name);
  return { stack, used: checkRoot(stack.backup.root, ownerOf(stack)) };
}
