import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import type { Target } from "./targets/target.ts";

export interface NetworkArgs {
  settings: Pick<Settings, "names" | "externalNetwork">;
  target: Target;
}

/** A network that a service joins, and its name there beside its full one. */
export interface Membership {
  network: pulumi.Input<string>;
  alias?: string;
}

/** The stack's own network, and the way to a network shared with other systems. */
export class Network extends pulumi.ComponentResource {
  readonly internal: pulumi.Output<string>;
  private readonly external: pulumi.Output<string> | undefined;

  constructor(name: string, { settings, target }: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Network", name, {}, opts);
    const { names, externalNetwork: shared } = settings;
    const child = { parent: this };

    this.internal = target.ownNetwork(`${name}-internal`, names.internalNetwork, child);
    if (shared !== undefined) {
      this.external = shared.create
        ? target.sharedNetwork(`${name}-external`, shared.name, child)
        : pulumi.output(shared.name);
    }
    this.registerOutputs({ internal: this.internal });
  }

  /** The networks of a service, on the stack's own of which others find it under the service's name. */
  memberships(service: Service, outward: boolean): Membership[] {
    const own = { network: this.internal, alias: service };
    if (!outward || this.external === undefined) return [own];
    // On a shared network a bare `server` would be anybody's; the container's full name is ours alone.
    return [own, { network: this.external }];
  }
}
