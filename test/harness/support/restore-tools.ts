import type { RestoreTools } from "../../../ops/backup/restore/tools.ts";
import { stateDirOf } from "../../../ops/backup/stack-access.ts";
import { connectDocker } from "../../../ops/docker/client.ts";
import type { WatchedStack } from "./watched-stack.ts";

/** What a restore of a stack works with, as the verb gives it. */
export function restoreTools(
  { manifest }: WatchedStack,
  report: (line: string) => void = () => {},
): RestoreTools {
  return {
    docker: connectDocker(manifest.dockerHost),
    manifest,
    stateDir: stateDirOf(manifest),
    report,
    now: () => new Date(),
    toolVersion: "0",
  };
}
