import { local } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

export interface HostDirectoryArgs {
  /** Absolute path on the host; missing parents are made with mode 0700. */
  path: string;
  /** Octal mode, e.g. `0700`. */
  mode: string;
  /** Owner as `uid:gid`, applied when root deploys; anybody else can only own the directory himself. */
  owner: string;
}

const make = `set -eu
umask 077
mkdir -p "$DIRECTORY"
chmod "$MODE" "$DIRECTORY"
if [ "$(id -u)" = 0 ]; then chown "$OWNER" "$DIRECTORY"; fi`;

/**
 * A directory on the host; it is never deleted.
 *
 * @returns its path, known once it is there
 */
export function hostDirectory(
  name: string,
  { path, mode, owner }: HostDirectoryArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const directory = new local.Command(
    name,
    {
      create: make,
      update: make,
      environment: { DIRECTORY: path, MODE: mode, OWNER: owner },
      addPreviousOutputInEnv: false,
    },
    opts,
  );
  return directory.stdout.apply(() => path);
}
