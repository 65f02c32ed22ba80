import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { lookBelow } from "../../base/below.ts";
import { Problem } from "../../base/problem.ts";
import { FILES, layout } from "../format/layout.ts";
import type { Backup } from "./catalogue.ts";
import { ensureRoot, openToAll, type RootOwner, unwritable } from "./root.ts";
import { beginPartial, publish, removeDeadPartials, syncFile } from "./unfinished.ts";

/** Where copies go: a second root, or a command of the person's own. */
export interface CopyTarget {
  path?: string | undefined;
  command?: string[] | undefined;
}

/** A copy over a slow line may take long, but not until the next day's. */
const COMMAND_MS = 12 * 3_600_000;

/**
 * Copies a finished backup elsewhere.
 *
 * @throws Problem that says why it failed; the backup itself is as it was
 */
export async function copyTo(
  target: CopyTarget,
  backup: Backup,
  owner: RootOwner,
  report: (line: string) => void = () => {},
): Promise<void> {
  if (target.path !== undefined) await copyToRoot(backup, target.path, owner, report);
  if (target.command !== undefined) await runCommand(backup, target.command);
}

async function copyToRoot(
  { directory, id, tier, manifest }: Backup,
  root: string,
  owner: RootOwner,
  report: (line: string) => void,
): Promise<void> {
  const { made, ownerless } = ensureRoot(root, owner, "the directory for copies");
  if (made && ownerless) report(openToAll(root));
  try {
    await removeDeadPartials(root);
    const partial = await beginPartial(root, `${tier}-${id}`);
    const files = [...manifest.parts.map(({ file }) => file), FILES.checksums, FILES.manifest];
    for (const file of files) {
      const copy = path.join(partial, file);
      lookBelow(directory, path.join(directory, file));
      await mkdir(path.dirname(copy), { recursive: true, mode: 0o700 });
      await copyFile(path.join(directory, file), copy);
      await syncFile(copy);
    }
    await publish(root, partial, layout.backup(root, tier, id));
  } catch (cause) {
    throw unwritable(root, cause);
  }
}

async function runCommand({ directory, id, tier }: Backup, command: string[]): Promise<void> {
  const values: Record<string, string> = { directory, id, tier };
  const [program = "", ...args] = command.map((word) =>
    word.replace(/\{(directory|id|tier)\}/g, (_, key: string) => values[key] ?? ""),
  );
  const result = await execa(program, args, {
    reject: false,
    timeout: COMMAND_MS,
    all: true,
    stdin: "ignore",
  });
  if (!result.failed) return;
  const said = result.all?.trim().split("\n").slice(-3).join(" ") ?? "";
  const how = result.exitCode === undefined ? (result.shortMessage ?? "") : `exit code ${result.exitCode}`;
  throw new Problem(`the command that copies backups failed (${how})${said === "" ? "" : `: ${said}`}`, {
    where: [program, ...args].join(" "),
    mend: "mem0:backup.copyTo.command; the local backup is good",
  });
}
