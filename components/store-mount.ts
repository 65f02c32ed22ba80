import path from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { hostDirectory } from "./host-directory.ts";

export interface StoreMountArgs {
  /** Short name of what is stored, e.g. `postgres`: a part of the volume's or the directory's name. */
  store: string;
  /** Path inside the container. */
  target: string;
  /** What can be had again may leave the stack's state when a setting says so; its data stays all the same. */
  replaceable?: boolean;
  settings: Pick<Settings, "names" | "dataRoot" | "runAs">;
}

/**
 * Where a service keeps what must never be lost: a protected named volume, or a directory under the data root.
 * No `up`, `destroy` or replacement deletes either, protected or not.
 */
export class StoreMount extends pulumi.ComponentResource {
  readonly mount: pulumi.Output<docker.types.output.ContainerMount>;

  constructor(name: string, args: StoreMountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:host:StoreMount", name, {}, opts);
    const { settings, store, target, replaceable = false } = args;
    this.mount =
      settings.dataRoot === undefined
        ? this.volume(name, settings.names.volume(store), target, !replaceable)
        : this.directory(name, path.join(settings.dataRoot, store), settings.runAs, target, !replaceable);
    this.registerOutputs({ mount: this.mount });
  }

  private volume(name: string, volumeName: string, target: string, protect: boolean) {
    const volume = new docker.Volume(
      `${name}-volume`,
      { name: volumeName },
      // An edit of labels or options would replace the volume, and a replaced volume is an empty one.
      {
        parent: this,
        protect,
        retainOnDelete: true,
        ignoreChanges: ["labels", "driver", "driverOpts"],
      },
    );
    return pulumi.output({ type: "volume", source: volume.name, target });
  }

  private directory(
    name: string,
    source: string,
    owner: Settings["runAs"],
    target: string,
    protect: boolean,
  ) {
    const directory = hostDirectory(
      `${name}-directory`,
      { path: source, mode: "0700", owner: `${owner.uid}:${owner.gid}` },
      { parent: this, protect, retainOnDelete: true },
    );
    return pulumi.output({ type: "bind", source: directory, target });
  }
}
