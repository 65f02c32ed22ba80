import { mkdirSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readBelow } from "../../base/below.ts";
import { FULL_DISK_ACCESS } from "../../base/is-there.ts";
import { type OwnDirectory, requireOwnDirectory } from "../../base/own-directory.ts";
import { Problem } from "../../base/problem.ts";
import { writeBelow } from "../../base/write-below.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import { layout } from "../format/layout.ts";

const markerSchema = z.strictObject({
  version: z.literal(1),
  stack: z.string(),
  instanceId: z.string(),
  createdAt: z.iso.datetime(),
});

/** Which roots this stack has put backups in, kept on the host and not on the backup disk. */
const usedSchema = z.strictObject({ version: z.literal(1), roots: z.array(z.string()) });

/** The stack whose backups are meant. */
export interface RootOwner {
  stack: string;
  instanceId: string;
  stateDir: string;
}

/** A deployed stack as the owner of its backups. */
export function ownerOf({ name, manifest, directory }: DeployedStack): RootOwner {
  return { stack: name, instanceId: manifest.instanceId, stateDir: directory };
}

/**
 * Makes sure that `root` is this stack's backup root, and not an empty mount point of the same name. A directory that
 * was never used becomes one.
 *
 * @param what what it is, for people
 * @returns whether it was made one just now
 * @throws Problem when it is another stack's or another user's, or when backups were made there and their marker is gone
 */
export function ensureRoot(
  root: string,
  owner: RootOwner,
  what = THE_ROOT,
): OwnDirectory & { made: boolean } {
  const used = lookAtRoot(root, owner, what);
  if (used !== undefined) {
    noteUsed(root, owner);
    return { ...used, made: false };
  }
  let own: OwnDirectory;
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    // Somebody may have made it first.
    own = requireOwnDirectory(root, what);
    const marker = {
      version: 1,
      stack: owner.stack,
      instanceId: owner.instanceId,
      createdAt: new Date().toISOString(),
    };
    writeBelow(root, layout.marker(root), `${JSON.stringify(marker, null, 2)}\n`);
  } catch (cause) {
    throw unwritable(root, cause);
  }
  noteUsed(root, owner);
  return { ...own, made: true };
}

const THE_ROOT = "the backup root";

/** What a person is told once of a root on a disk without owners. */
export function openToAll(root: string): string {
  return (
    `${root} is on a disk that knows no owners: everybody on this machine can change or remove what lies there; ` +
    "a changed backup is told by its seal"
  );
}

/**
 * Whether `root` is this stack's backup root; false when it never was used.
 *
 * @throws Problem as `ensureRoot`
 */
export function checkRoot(root: string, owner: RootOwner): boolean {
  return lookAtRoot(root, owner, THE_ROOT) !== undefined;
}

/** What was found of this stack's backup root; undefined when it never was used. */
function lookAtRoot(root: string, { stack, stateDir }: RootOwner, what: string): OwnDirectory | undefined {
  const own = requireOwnDirectory(root, what);
  const file = layout.marker(root);
  const text = readBelow(root, file);
  if (text === undefined) {
    if (!usedRoots(stateDir).includes(root)) return undefined;
    throw new Problem("the backup root is not there: backups were made in it, and their marker is missing", {
      where: root,
      mend: `mount the disk that holds ${path.basename(file)}; if the backups are gone for good: rm ${usedFile(stateDir)}`,
    });
  }
  const marker = parseMarker(file, text);
  if (marker.stack !== stack) {
    throw new Problem(`the backup root belongs to stack ${marker.stack}, not ${stack}`, {
      where: file,
      mend: "give each stack a root of its own: mem0:backup.root",
    });
  }
  return own;
}

/** What a person reads when nothing can be written to the backup root. */
export function unwritable(root: string, cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  const room = `free space there, or prune: ${backupsVerb(root)} --prune`;
  const told: Record<string, [string, string]> = {
    ENOSPC: ["the disk of the backups is full", room],
    EDQUOT: ["the quota of the backups' disk is used up", room],
    EROFS: ["the disk of the backups is read-only", "mount it writable"],
    EACCES: ["the backup root may not be written to", "chown it to the user who runs ./mem0 backup"],
    EPERM: ["the backup root may not be written to", FULL_DISK_ACCESS],
    EIO: ["the disk of the backups has errors", "look at the disk before anything else"],
  };
  const [what, mend] = told[code ?? ""] ?? [
    `the backup root cannot be written to (${code ?? cause})`,
    "look at the disk",
  ];
  return new Problem(what, { where: root, mend, cause });
}

/** Does work in a backup root. Errors of the file system become Problems in words; all others stay as they are. */
export async function onDisk<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isOfDisk = cause instanceof Error && "code" in cause && "syscall" in cause && !("address" in cause);
    throw isOfDisk ? unwritable(root, cause) : cause;
  }
}

/** `./mem0 backups` of the stack that the root belongs to, which its marker tells where there is one. */
export function backupsVerb(root: string): string {
  try {
    const file = layout.marker(root);
    return `./mem0 backups ${parseMarker(file, readBelow(root, file) ?? "").stack}`;
  } catch {
    return "./mem0 backups";
  }
}

function parseMarker(file: string, text: string): z.output<typeof markerSchema> {
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Problem("the marker of the backup root cannot be read", {
      where: file,
      mend: "look at the disk; if the file alone is damaged, remove it together with the stack's backup/roots.json",
      cause,
    });
  }
}

function usedFile(stateDir: string): string {
  return path.join(stateDir, "backup", "roots.json");
}

function usedRoots(stateDir: string): string[] {
  const text = readBelow(stateDir, usedFile(stateDir));
  if (text === undefined) return [];
  // Earlier versions noted a root as it was written, with a slash at its end.
  return usedSchema.parse(JSON.parse(text)).roots.map((root) => path.resolve(root));
}

function noteUsed(root: string, { stateDir }: RootOwner): void {
  const roots = usedRoots(stateDir);
  if (roots.includes(root)) return;
  const text = `${JSON.stringify({ version: 1, roots: [...roots, root] }, null, 2)}\n`;
  writeBelow(stateDir, usedFile(stateDir), text);
}
