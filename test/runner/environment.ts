import { buildContexts } from "../../components/build-context.ts";
import { imageTag } from "../../components/images.ts";
import { BUILT_SERVICES } from "../../config/names.ts";
import { readMachine } from "../../ops/stack/machine-file.ts";
import { environment } from "../../toolchain/environment.ts";
import { CHECKOUT } from "../../toolchain/layout.ts";
import type { TestEnvironment } from "./checks.ts";

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
