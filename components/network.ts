import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import type { Reach, Target } from "./targets/target.ts";

export interface NetworkArgs {
  settings: Pick<Settings, "names" | "externalNetwork">;
  target: Target;
}

/** A network that a service joins, and its name there beside its full one. */
export interface Membership {
  network: pulumi.Input<string>;
  alias?: string;
}

/** A network within the stack: of all services, or of the Telegram bot and whom it talks to. */
export type Inside = "all" | "bot";

/** How far a service reaches beyond the stack's own services. */
export interface Bounds {
  /** Networks that it is on within the stack. */
  inside: readonly Inside[];
  /** Ports are published on the host. */
  published: boolean;
  /** The Internet, and the host. */
  outward: boolean;
  /** The network shared with other systems, where there is one. */
  shared: boolean;
}

/** The stack's own networks, and the way to a network shared with other systems. */
export class Network extends pulumi.ComponentResource {
  readonly internal: pulumi.Output<string>;
  private readonly external: pulumi.Output<string> | undefined;
  private readonly inside: (which: Inside) => pulumi.Output<string>;
  private readonly own: (reach: Exclude<Reach, "inside">) => pulumi.Output<string>;

  constructor(name: string, { settings, target }: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Network", name, {}, opts);
    const { names, externalNetwork: shared } = settings;
    const child = { parent: this };

    const internal = { name: names.internalNetwork, reach: "inside" as const };
    this.internal = target.ownNetwork(`${name}-internal`, internal, child);
    let bot: pulumi.Output<string> | undefined;
    this.inside = (which) => {
      if (which === "all") return this.internal;
      bot ??= target.ownNetwork(`${name}-bot`, { name: names.botNetwork, reach: "inside" }, child);
      return bot;
    };
    const made = new Map<Reach, pulumi.Output<string>>();
    this.own = (reach) => {
      const network = { name: reach === "outward" ? names.outwardNetwork : names.edgeNetwork, reach };
      const found = made.get(reach) ?? target.ownNetwork(`${name}-${reach}`, network, child);
      made.set(reach, found);
      return found;
    };
    if (shared !== undefined) {
      this.external = shared.create
        ? target.sharedNetwork(`${name}-external`, shared.name, child)
        : pulumi.output(shared.name);
    }
    this.registerOutputs({ internal: this.internal });
  }

  /** The networks of a service; on those within the stack others find it under the service's name. */
  memberships(service: Service, { inside, published, outward, shared }: Bounds): Membership[] {
    return [
      ...inside.map((which) => ({ network: this.inside(which), alias: service })),
      // One of the two: a container has one way out at a time, and its ports are published there.
      ...(outward
        ? [{ network: this.own("outward") }]
        : published
          ? [{ network: this.own("published") }]
          : []),
      // On a shared network a bare `server` would be anybody's; the container's full name is ours alone.
      ...(shared && this.external !== undefined ? [{ network: this.external }] : []),
    ];
  }

  /** Whether a service within such bounds can reach nothing but the stack, and what asks it. */
  closed({ outward, shared }: Pick<Bounds, "outward" | "shared">): boolean {
    return !outward && !(shared && this.external !== undefined);
  }
}
