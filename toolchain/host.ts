import os from "node:os";
import { CHECKOUT, stateHome } from "./layout.ts";
import { officialArchive } from "./steps/pulumi.ts";
import type { Host } from "./steps/step.ts";
import { pulumiVersion } from "./versions.ts";
import { askVendors, type RequestedWay } from "./ways.ts";

/** This machine and this checkout, for the steps. */
export function thisHost(way: RequestedWay = "auto", note: Host["note"] = () => undefined): Host {
  const { uid, gid } = os.userInfo();
  return {
    checkout: CHECKOUT,
    stateHome: stateHome(),
    env: process.env,
    platform: process.platform,
    user: { uid, gid, home: os.homedir() },
    way,
    vendors: askVendors(officialArchive(pulumiVersion(CHECKOUT), process.platform, process.arch)),
    note,
  };
}
