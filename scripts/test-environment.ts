import { imageTag } from "../components/images.ts";
import { readMachine } from "../config/machine.ts";
import { BUILT_SERVICES } from "../config/names.ts";
import { buildContexts } from "../ops/build-context.ts";
import type { TestEnvironment } from "../test/runner/checks.ts";
import { environment } from "../toolchain/environment.ts";
import { CHECKOUT } from "../toolchain/layout.ts";

/** What tests with Docker find in their environment: the engine's variables and the names of our images. */
export function testEnvironment(): TestEnvironment {
  const machine = readMachine(CHECKOUT);
  const contexts = buildContexts(CHECKOUT, machine.baseImage);
  const images = BUILT_SERVICES.map((service) => [
    `MEM0_IMAGE_${service.toUpperCase()}`,
    imageTag(service, contexts[service]),
  ]);
  return {
    ...environment(CHECKOUT, machine),
    MEM0_BASE_IMAGE: machine.baseImage,
    ...Object.fromEntries(images),
  };
}
