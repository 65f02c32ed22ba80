import { readdirSync } from "node:fs";
import path from "node:path";
import { keyName } from "../../config/explain.ts";
import { STORES } from "../../config/names.ts";
import type { Settings } from "../../config/settings.ts";
import { lookBelow } from "../base/below.ts";
import { type Check, wrong } from "../base/check.ts";
import { requireOwnDirectory } from "../base/own-directory.ts";
import { Problem } from "../base/problem.ts";

/** What of the settings names directories of the host, and who the containers run as, who owns what is their own. */
type Places = Pick<Settings, "stack" | "stateDir" | "dataRoot" | "backup" | "runAs">;

/**
 * Looks at every directory that a stack writes to on this host: others could read secrets there, or put data of their own
 * into the place of the stack's. A disk without owners has nothing to judge by; who puts backups there is told.
 *
 * @returns what is wrong, each thing once
 */
export function strangePlaces({ stack, stateDir, dataRoot, backup, runAs }: Places): Check[] {
  const { root, copyTo } = backup;
  const named: [name: string, directory: string | undefined][] = [
    [`the directory of stack ${stack}`, stateDir],
    [`the data root (${keyName(["data", "root"])})`, dataRoot],
    [`the backup root (${keyName(["backup", "root"])})`, root],
    [`the directory for copies (${keyName(["backup", "copyTo", "path"])})`, copyTo?.path],
  ];
  const there = named.filter((place): place is [string, string] => place[1] !== undefined);
  const found = there.flatMap(([name, directory]) => look(name, () => requireOwn(directory, name)));
  const inside = (directory: string, names: readonly string[]) =>
    names.flatMap((name) => {
      const place = path.join(directory, name);
      return look(place, () => {
        lookBelow(directory, place);
        requireOwn(place, place);
      });
    });
  const below = [
    ...inside(stateDir, directoriesIn(stateDir)),
    // What else lies there is not the stack's.
    ...(dataRoot === undefined ? [] : inside(dataRoot, STORES)),
  ];
  return [...new Map([...found, ...below].map((check) => [check.found, check])).values()];

  /** Where root deploys, what a container writes to is the containers' own. */
  function requireOwn(directory: string, what: string): void {
    requireOwnDirectory(directory, what, process.geteuid?.(), [runAs.uid]);
  }
}

function look(name: string, at: () => void): Check[] {
  try {
    at();
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [wrong(name, `${error.message} (${error.where ?? name})`, error.mend)];
  }
}

/** Names of directories and links in one that may not be there, or not be ours to read. */
function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
