import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface HostFileArgs {
  /** Absolute path on the host; missing directories are made with mode 0700. */
  path: string;
  /** Content; a secret stays secret in the state and reaches the file through standard input only. */
  content: pulumi.Input<string>;
  /** Octal mode, e.g. `0600`. */
  mode: string;
  /** Owner as `uid:gid`, applied when root deploys; anybody else can only own the file himself. */
  owner?: string;
  /** Leave the file when the resource goes. */
  keepOnDelete?: boolean;
}

/** A file on the host that a container gets to see. */
export interface MountedFile {
  name: string;
  path: pulumi.Output<string>;
  revision: pulumi.Output<string>;
}

/** Whoever reads the path sees the old or the new content, never half of it. */
const write = `set -eu
umask 077
mkdir -p "$(dirname "$FILE")"
tmp="$FILE.$$.tmp"
cat > "$tmp"
chmod "$MODE" "$tmp"
if [ -n "$OWNER" ] && [ "$(id -u)" = 0 ]; then chown "$OWNER" "$tmp"; fi
mv -f "$tmp" "$FILE"
printf '%s-%s' "$(date +%s)" "$$"`;

/** A file on the host, written as a whole. */
export class HostFile extends pulumi.ComponentResource {
  readonly path: pulumi.Output<string>;
  /** Changes whenever the file is written again; says nothing about its content. */
  readonly revision: pulumi.Output<string>;

  constructor(name: string, args: HostFileArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:host:File", name, {}, opts);
    const command = new local.Command(
      `${name}-write`,
      {
        create: write,
        update: write,
        ...(args.keepOnDelete === true ? {} : { delete: 'rm -f "$FILE"' }),
        environment: { FILE: args.path, MODE: args.mode, OWNER: args.owner ?? "" },
        stdin: args.content,
        // Another path is another file.
        triggers: [args.path],
        addPreviousOutputInEnv: false,
        logging: "none",
      },
      // The old file goes first: after a replacement at the same path, its deletion would take the new one along.
      // A component's own dependencies do not reach its children.
      {
        parent: this,
        deleteBeforeReplace: true,
        ...(opts?.dependsOn === undefined ? {} : { dependsOn: opts.dependsOn }),
      },
    );
    this.path = command.stdout.apply(() => args.path);
    // The provider marks all outputs secret as soon as one input is; the revision is not derived from the content.
    this.revision = pulumi.unsecret(command.stdout);
    this.registerOutputs({ path: args.path });
  }
}
