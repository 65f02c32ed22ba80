import type { RestoreTools } from "../../../ops/backup/restore/tools.ts";
import type { WatchedStack } from "./watched-stack.ts";

/** What a restore of a stack works with, as the verb gives it. */
export function restoreTools(
  { deployed }: WatchedStack,
  report: (line: string) => void = () => {},
): RestoreTools {
  return {
    stack: deployed,
    report,
    now: () => new Date(),
    toolVersion: "0",
  };
}
