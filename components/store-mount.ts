import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { StoreName } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { hostDirectory } from "./host-directory.ts";
import type { Store } from "./service.ts";
import type { Target } from "./targets/target.ts";

export interface StoreMountArgs {
  /** A part of the volume's or the directory's name. */
  store: StoreName;
  /** Path inside the service. */
  at: string;
  /** What can be had again may leave the stack's state when a setting says so; its data stays all the same. */
  replaceable?: boolean;
  settings: Pick<Settings, "names" | "dataRoot" | "runAs">;
  target: Target;
}

/**
 * Where a service keeps what must never be lost: a protected named volume, or a directory under the data root.
 * No `up`, `destroy` or replacement deletes either, protected or not.
 */
export class StoreMount extends pulumi.ComponentResource {
  readonly mount: Store;

  constructor(name: string, args: StoreMountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:host:StoreMount", name, {}, opts);
    const { settings, store, at, target, replaceable = false } = args;
    const { dataRoot, names, runAs } = settings;
    const kept = { parent: this, protect: !replaceable, retainOnDelete: true };
    this.mount =
      dataRoot === undefined
        ? { kind: "volume", source: target.volume(`${name}-volume`, names.volume(store), kept), target: at }
        : {
            kind: "directory",
            source: hostDirectory(
              `${name}-directory`,
              { path: path.join(dataRoot, store), mode: "0700", owner: `${runAs.uid}:${runAs.gid}` },
              kept,
            ),
            target: at,
          };
    this.registerOutputs({ mount: this.mount });
  }
}
