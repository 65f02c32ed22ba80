import { keyName } from "../../config/explain.ts";
import type { Manager } from "../../config/manifest.ts";
import type { Settings } from "../../config/settings.ts";
import { type DeployedSchedule, jobsOf } from "./jobs.ts";
import { findManager, type Owner, thisOwner } from "./managers.ts";
import { nodeCopy, programHash, programLink } from "./program.ts";
import { type Unit, unitsOf } from "./units/unit.ts";

/** What is to run by itself, or why nothing is. */
export interface SchedulePlan {
  program: { deployed: DeployedSchedule; hash: string; units: Unit[] } | undefined;
  /** One line each, with the mend. */
  mistakes: string[];
  warnings: string[];
}

/** Where a stack is deployed from and to. */
export interface Place {
  checkout: string;
  stateHome: string;
  /** Who has the stack's units since its last deployment. */
  deployed: Manager | undefined;
}

const NOTHING: SchedulePlan = { program: undefined, mistakes: [], warnings: [] };

/** Plans the units of a stack; looks which manager this host has, and changes nothing. */
export async function planSchedule(
  settings: Settings,
  { checkout, stateHome, deployed }: Place,
  owner: Owner = thisOwner(),
): Promise<SchedulePlan> {
  const { stack, stateDir: directory, schedule } = settings;
  const key = keyName(["schedule", "by"]);
  if (schedule.by === "off") return NOTHING;
  if (schedule.by === undefined) {
    const warning = `${key}: not set, so nothing runs by itself, not even backups; set it to auto, or to off to hear no more of it`;
    return { ...NOTHING, warnings: [warning] };
  }
  const found = await findManager(schedule.by, deployed, owner);
  if ("reason" in found) {
    return {
      ...NOTHING,
      mistakes: [`${key}: nothing on this host can run the stack's jobs: ${found.reason}; or set it to off`],
    };
  }
  const plan: DeployedSchedule = {
    by: found.manager,
    node: nodeCopy(stateHome, process.versions.node),
    program: programLink(directory),
    jobs: jobsOf(settings),
    ...(schedule.identity === undefined ? {} : { identity: schedule.identity }),
    logDays: schedule.logDays,
  };
  return {
    program: {
      deployed: plan,
      hash: programHash(checkout, process.versions.node),
      units: unitsOf({ stack, stateHome, directory }, plan),
    },
    mistakes: [],
    warnings: [
      ...(plan.jobs.drill === undefined && schedule.jobs.drill !== "off"
        ? [
            `${keyName(["schedule", "identity"])}: missing, so that no drill runs by itself: the backups are encrypted, and nothing ` +
              "opens them; name the file of an age identity, or set the job to off",
          ]
        : []),
      ...(found.manager === "launchd" &&
      /^\/Volumes\/|\/(Desktop|Documents|Downloads)\//.test(`${settings.backup.root}/`)
        ? [
            `${keyName(["backup", "root"])}: macOS lets jobs of launchd look there only with Full Disk Access: System Settings, ` +
              `Privacy & Security, Full Disk Access, for ${plan.node}`,
          ]
        : []),
    ],
  };
}
