import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Manifest } from "../config/manifest.ts";
import type { Settings } from "../config/settings.ts";

/** What a host is to run by itself for a stack, found out before anything is declared. */
export interface ScheduledProgram {
  /** As the manifest tells it. */
  deployed: NonNullable<Manifest["schedule"]>;
  /** Of all that the copied program is made of: another hash is another copy. */
  hash: string;
  /** Each job in its manager's own words. */
  units: readonly { job: string; name: string; when: string; manager: string }[];
}

export interface ScheduleArgs extends ScheduledProgram {
  settings: Pick<Settings, "stateDir">;
  /** What every job reads first. */
  manifest: pulumi.Resource;
}

const NODE = "node --disable-warning=ExperimentalWarning";

/**
 * What runs by itself: a copy of the program and of Node that no update of the checkout touches, and a unit of launchd,
 * systemd or cron for each job, which runs that copy.
 */
export class Schedule extends pulumi.ComponentResource {
  constructor(name: string, args: ScheduleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Schedule", name, {}, opts);
    const { deployed, hash, units, settings, manifest } = args;
    const lay = `${NODE} toolchain/program/lay.ts`;
    const program = new local.Command(
      `${name}-program`,
      {
        create: lay,
        update: lay,
        delete: `${lay} remove`,
        environment: { DIRECTORY: settings.stateDir, HASH: hash, NODE_COPY: deployed.node },
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    const install = `${NODE} ops/schedules/install.ts`;
    for (const unit of units) {
      const always = unit.when === "always";
      new local.Command(
        `${name}-${unit.job}`,
        {
          create: `${install} install`,
          update: `${install} install`,
          delete: `${install} remove`,
          // What never ends begins anew with another program.
          environment: { UNIT: JSON.stringify(unit), ...(always ? { HASH: hash } : {}) },
          // Another manager's unit is another one.
          triggers: [unit.manager, unit.name],
          addPreviousOutputInEnv: false,
        },
        { parent: this, dependsOn: [program, manifest], deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({});
  }
}
