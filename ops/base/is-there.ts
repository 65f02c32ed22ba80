import { statSync } from "node:fs";
import { Problem } from "./problem.ts";

/** What lets jobs of launchd and cron look into the protected folders and disks of macOS, which else answers EPERM. */
export const FULL_DISK_ACCESS =
  "on macOS: System Settings, Privacy & Security, Full Disk Access, for the program that runs this";

/**
 * Whether something lies at a path. Unlike `existsSync` it does not take what may not be looked at for missing.
 *
 * @throws Problem when that cannot be told
 */
export function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    throw untold(file, cause);
  }
}

/** What a person reads when the system does not let a place be looked at. */
export function untold(file: string, cause: unknown): Problem {
  const { code } = cause as NodeJS.ErrnoException;
  return new Problem(`it cannot be told whether this is there (${code})`, {
    where: file,
    mend: code === "EPERM" ? FULL_DISK_ACCESS : "see that you may look into its directory",
    cause,
  });
}
