import { rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { ignoring, withDocker } from "../docker/client.ts";
import type { DeployedStack } from "./deployed-stack.ts";
import { explained, openStack, type PulumiContext, removeContainers } from "./deployment.ts";
import type { Report } from "./pulumi-events.ts";

/**
 * Deletes a stack for good: containers, then volumes or directories, then secrets, state and manifest. The manifest
 * goes last, so a run that was cut off is completed by running it again.
 */
export async function deleteStack(
  context: PulumiContext,
  deployed: DeployedStack,
  report: Report,
): Promise<void> {
  await removeContainers(context, report, true);
  await withDocker(context.dockerHost, async (docker) => {
    for (const [store, place] of Object.entries(deployed.manifest.stores)) {
      report(`deleting the ${store} data in ${place}`);
      if (path.isAbsolute(place)) rmSync(place, { recursive: true, force: true });
      else await docker.getVolume(place).remove().catch(ignoring(404));
    }
  });
  report("deleting secrets and state");
  const stack = await openStack(context);
  const pulumi = path.join(context.tools, "bin", "pulumi");
  const env = { env: context.env, cwd: context.checkout };
  await explained(context, async () => {
    await execa(pulumi, ["state", "unprotect", "--all", "--yes", "--stack", context.stack], env);
    await stack.destroy({ color: "never", suppressProgress: true });
    await execa(pulumi, ["stack", "rm", "--yes", "--preserve-config", context.stack], env);
  });
  rmSync(deployed.directory, { recursive: true, force: true });
}
