import path from "node:path";
import { buildContexts } from "../../components/build-context.ts";
import { imageTag } from "../../components/images.ts";
import { BUILT_SERVICES } from "../../config/names.ts";
import { connectDocker } from "../../ops/docker/client.ts";
import { readMachine } from "../../ops/stack/machine-file.ts";
import { hasImage } from "../../toolchain/base-image/image.ts";
import { buildImage } from "../../toolchain/plugins/docker/image-build.ts";
import type { Check } from "./checks.ts";
import { toolResult } from "./results.ts";

/**
 * Builds the images that are not there yet, as a stack does. Before the lanes: two stacks that begin at once would
 * both build all of them.
 */
export async function imageChecks(checkout: string): Promise<Check[]> {
  const { baseImage, docker: engine } = readMachine(checkout);
  const docker = connectDocker(engine.host);
  const contexts = buildContexts(checkout, baseImage);
  const checks: Check[] = [];
  for (const service of BUILT_SERVICES) {
    const tag = imageTag(service, contexts[service]);
    if (await hasImage(docker, tag)) continue;
    const name = `image ${service}`;
    const print = (line: string) => console.log(`${name} | ${line}`);
    checks.push({
      name,
      run: async (signal) => {
        const started = performance.now();
        const context = path.join(checkout, contexts[service].directory);
        const build = { context, dockerfile: "Dockerfile", buildArgs: { BASE_IMAGE: baseImage } };
        const succeeded = await buildImage(docker, tag, undefined, build, {
          urn: "",
          name: tag,
          preview: false,
          signal,
          progress: { info: print, warn: print, status: () => {} },
        }).then(
          () => true,
          (error: Error) => {
            print(error.message);
            return false;
          },
        );
        return [toolResult(name, succeeded, (performance.now() - started) / 1000)];
      },
    });
  }
  return checks;
}
