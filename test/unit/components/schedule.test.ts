import { describe, expect, it } from "vitest";
import type { DeployedSchedule } from "../../../ops/schedules/jobs.ts";
import { unitsOf } from "../../../ops/schedules/units/unit.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { named, type Registered } from "../../harness/support/mock-engine.ts";
import { stackOf } from "./declared-stack.ts";

const settings = exampleSettings();

function stackWith(by: DeployedSchedule["by"], hash = "aa"): Promise<Registered[]> {
  const jobs = { backup: "30 2 * * *", exporter: "always" };
  const deployed = { by, node: "/n/node", program: "/p/current", jobs, logDays: 7 };
  const units = unitsOf({ stack: "test", stateHome: "/home", directory: settings.stateDir }, deployed);
  return stackOf(settings, {}, false, { deployed, hash, units });
}

const unitIn = (resources: Registered[], job: string) =>
  named(resources, `schedule-${job}`).inputs as { environment: Record<string, string>; triggers: string[] };

describe("what runs by itself", () => {
  it("is one resource a job, after the manifest and the copy of the program", async () => {
    const resources = await stackWith("cron");
    const backup = named(resources, "schedule-backup");
    for (const before of ["schedule-program", "manifest-file-write"]) {
      expect(backup.dependencies).toContain(named(resources, before).urn);
    }
    expect(backup.deleteBeforeReplace).toBe(true);
    expect(unitIn(resources, "backup").environment.UNIT).toContain("30 2 * * *");
    const manifest = named(resources, "manifest-file-write").inputs.stdin as string;
    expect(JSON.parse(manifest).schedule).toMatchObject({ by: "cron", jobs: { backup: "30 2 * * *" } });
  });

  it("with another program changes only what never ends: units run whatever was deployed last", async () => {
    const [before, after] = [await stackWith("systemd"), await stackWith("systemd", "bb")];
    expect(unitIn(after, "backup")).toEqual(unitIn(before, "backup"));
    expect(unitIn(after, "exporter").environment).not.toEqual(unitIn(before, "exporter").environment);
  });

  it("of another manager is another unit, so that the one before is taken away", async () => {
    const [before, after] = [await stackWith("cron"), await stackWith("systemd")];
    expect(unitIn(after, "backup").triggers).not.toEqual(unitIn(before, "backup").triggers);
  });

  it("is nothing where nothing is wanted, and the manifest stays one that versions before can read", async () => {
    const resources = await stackOf(settings);
    expect(resources.filter(({ name }) => name.startsWith("schedule"))).toEqual([]);
    expect(named(resources, "manifest-file-write").inputs.stdin).not.toContain("schedule");
  });
});
