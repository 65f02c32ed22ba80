import type { BuildContext } from "../../../components/images.ts";
import type { ScheduledProgram } from "../../../components/schedule.ts";
import { declareStack } from "../../../components/stack.ts";
import { BUILT_SERVICES, type BuiltService } from "../../../config/names.ts";
import type { GivenSecrets, Settings } from "../../../config/settings.ts";
import { declared, type Registered } from "../../harness/support/mock-engine.ts";

export const CONTAINER = "docker:index/container:Container";

/** Build contexts that say which service they are of. */
export const contexts = Object.fromEntries(
  BUILT_SERVICES.map((service) => [
    service,
    { directory: `./services/${service}`, hash: "0123456789abcdef0123" },
  ]),
) as Record<BuiltService, BuildContext>;

/** The resources of a stack with these settings. */
export function stackOf(
  settings: Settings,
  given: GivenSecrets = {},
  preview = false,
  schedule?: ScheduledProgram,
): Promise<Registered[]> {
  return declared(
    () =>
      declareStack(settings, given, contexts, {
        externalPrometheusRuns: false,
        runbook: "# Runbook",
        schedule,
      }),
    { preview },
  );
}
