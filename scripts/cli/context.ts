import { homeIdOf } from "../../config/settings.ts";
import { checkRoot, ownerOf } from "../../ops/backup/keep/root.ts";
import { DeployedStack } from "../../ops/stack/deployed-stack.ts";
import type { PulumiContext } from "../../ops/stack/deployment.ts";
import { type Machine, readMachine } from "../../ops/stack/machine-file.ts";
import { environment } from "../../toolchain/environment.ts";
import { CHECKOUT, stateHome, stateLayout, toolchainLayout } from "../../toolchain/layout.ts";

/** What Pulumi needs to work on `stack` of this checkout. */
export function pulumiContext(stack: string): PulumiContext & { machine: Machine } {
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
 * Whether anything was ever put into the backup root of a stack.
 *
 * @throws Problem when the root is another stack's, or its disk is not mounted
 */
export function isRootUsed(stack: DeployedStack): boolean {
  return checkRoot(stack.backup.root, ownerOf(stack));
}
