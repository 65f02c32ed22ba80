import { local } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { LABELS, type Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";

export interface NetworkArgs {
  settings: Pick<Settings, "names" | "externalNetwork" | "homeId" | "stack">;
}

/** The stack's own bridge network, and the way to a network shared with other systems. */
export class Network extends pulumi.ComponentResource {
  readonly internal: pulumi.Output<string>;
  private readonly external: pulumi.Output<string> | undefined;

  constructor(name: string, { settings }: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Network", name, {}, opts);

    const internal = new docker.Network(
      `${name}-internal`,
      {
        name: settings.names.internalNetwork,
        driver: "bridge",
        labels: [
          { label: LABELS.home, value: settings.homeId },
          { label: LABELS.stack, value: settings.stack },
        ],
      },
      { parent: this, deleteBeforeReplace: true },
    );
    this.internal = internal.name;
    this.external = this.externalNetwork(name, settings.externalNetwork);

    this.registerOutputs({ internal: this.internal });
  }

  /** Network memberships of a service's container, which others find under the service's name. */
  attachments(service: Service, outward: boolean): docker.types.input.ContainerNetworksAdvanced[] {
    const own = { name: this.internal, aliases: [service] };
    if (!outward || this.external === undefined) return [own];
    // On a shared network a bare `server` would be anybody's; the container's full name is ours alone.
    return [own, { name: this.external }];
  }

  private externalNetwork(name: string, external: Settings["externalNetwork"]) {
    if (external === undefined) return undefined;
    if (!external.create) return pulumi.output(external.name);
    // Not a docker.Network: one that somebody else has made meanwhile is as good, and it stays when this stack goes.
    const ensure = new local.Command(
      `${name}-external`,
      {
        create: 'docker network inspect "$NAME" >/dev/null 2>&1 || docker network create "$NAME" >/dev/null',
        environment: { NAME: external.name },
        triggers: [external.name],
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    return ensure.stdout.apply(() => external.name);
  }
}
