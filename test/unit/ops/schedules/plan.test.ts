import { afterEach, beforeEach, expect, it } from "vitest";
import type { Manager } from "../../../../config/manifest.ts";
import { planSchedule } from "../../../../ops/schedules/plan.ts";
import { CHECKOUT } from "../../../../toolchain/layout.ts";
import { type FakeManagers, fakeManagers } from "../../../harness/fakes/managers/managers.ts";
import { exampleHost, exampleSettings } from "../../../harness/support/example-settings.ts";

let fake: FakeManagers;
beforeEach(() => {
  fake = fakeManagers();
  fake.write("linger", "Linger=yes\n");
});
afterEach(() => fake.remove());

function planOf(groups: Record<string, unknown>, deployed?: Manager) {
  const place = { checkout: CHECKOUT, stateHome: exampleHost.stateHome, deployed };
  return planSchedule(exampleSettings(groups), place, fake.owner);
}

it("a stack file that says nothing of who runs the jobs gets none, and hears of it; off is silent", async () => {
  expect(await planOf({})).toMatchObject({
    program: undefined,
    mistakes: [],
    warnings: [
      expect.stringContaining("mem0:schedule.by: not set, so nothing runs by itself, not even backups"),
    ],
  });
  expect(await planOf({ schedule: { by: "off" } })).toEqual({
    program: undefined,
    mistakes: [],
    warnings: [],
  });
});

it("all jobs that are not off get a unit each, which runs a copy below the state home", async () => {
  const { program, mistakes, warnings } = await planOf({
    schedule: { by: "systemd", jobs: { drill: "off" } },
  });
  expect([mistakes, warnings]).toEqual([[], []]);
  expect(program?.units.map(({ job }) => job)).toEqual([
    "backup",
    "hourly",
    "health",
    "verify",
    "logs",
    "missed",
  ]);
  expect(program?.deployed).toMatchObject({
    by: "systemd",
    program: "/home/me/.mem0-host/stacks/test/program/current",
    node: `/home/me/.mem0-host/node/${process.versions.node}/bin/node`,
  });
});

it("an exporter on the host is one of the jobs", async () => {
  const { program } = await planOf({ schedule: { by: "systemd" }, observability: { exporter: "host" } });
  expect(program?.deployed.jobs.exporter).toBe("always");
});

it("where nothing can run them up is refused, with what is missing", async () => {
  fake.write("no-bus", "");
  expect(await planOf({ schedule: { by: "systemd" } })).toMatchObject({
    program: undefined,
    mistakes: [expect.stringMatching(/^mem0:schedule\.by: nothing on this host can run.*or set it to off$/)],
  });
});

it("encrypted backups are drilled with where a key is, and else not, which is said", async () => {
  const backup = { recipients: ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"] };
  const without = await planOf({ backup, schedule: { by: "systemd" } });
  expect(without.program?.deployed.jobs).not.toHaveProperty("drill");
  expect(without.warnings).toEqual([expect.stringContaining("mem0:schedule.identity: missing")]);
  const given = await planOf({ backup, schedule: { by: "systemd", identity: "~/key.txt" } });
  expect(given.program?.deployed).toMatchObject({ identity: "/home/me/key.txt" });
  expect(given.program?.deployed.jobs).toHaveProperty("drill");
});

it("on a Mac the places that macOS guards are named with what has to be let in", async () => {
  const { warnings } = await planOf({ backup: { root: "/Volumes/Data/mem0" }, schedule: { by: "launchd" } });
  expect(warnings).toEqual([expect.stringMatching(/Full Disk Access, for \/home\/me\/\.mem0-host\/node\//)]);
});
