import type { Manifest } from "../../config/manifest.ts";
import { checkRoot } from "../../ops/backup/keep/root.ts";
import { Problem } from "../../ops/base/problem.ts";
import { stackDirectory } from "../../ops/stack/manifest-file.ts";
import { stateHome } from "../../toolchain/layout.ts";
import { deployedStack } from "./context.ts";

/** What every verb about backups of a stack needs. */
export interface BackupContext {
  manifest: Manifest;
  settings: NonNullable<Manifest["backup"]>;
  /** Directory of the stack on the host. */
  stateDir: string;
  /** Whether anything was ever put into the backup root. */
  used: boolean;
}

/** @throws Problem when the backup root is another stack's, or its disk is not mounted */
export function backupContext(stack: string): BackupContext {
  const manifest = deployedStack(stack);
  const stateDir = stackDirectory(stateHome(), stack);
  const { backup: settings } = manifest;
  if (settings === undefined) {
    throw new Problem(`stack ${stack} was deployed before there were backups`, {
      mend: `./mem0 up ${stack}`,
    });
  }
  const used = checkRoot(settings.root, { stack, instanceId: manifest.instanceId, stateDir });
  return { manifest, settings, stateDir, used };
}
