import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { parse } from "plist";
import { describe, expect, it } from "vitest";
import type { Manager } from "../../../../../config/manifest.ts";
import { type Unit, unitsOf } from "../../../../../ops/schedules/units/unit.ts";
import { needing } from "../../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const HOME = "/home/it's <me> & 100% $x";

function unitsBy(by: Manager, jobs: Record<string, string>): Unit[] {
  const deployed = { stack: "prd", stateHome: HOME, directory: `${HOME}/stacks/prd` };
  return unitsOf(deployed, { by, node: "/bin/true", program: `${HOME}/program`, logDays: 7, jobs });
}

const JOBS = {
  backup: "30 2 * * *",
  hourly: "*/20 * 1 jan-feb 5",
  missed: "*/10 * * * *",
  exporter: "always",
};

describe("agents of launchd", () => {
  const agents = () =>
    unitsBy("launchd", JOBS).flatMap(({ files }) =>
      Object.entries(files).map(([name, text]) => ({ name, text })),
    );

  it("name each time by itself, and days beside weekdays as either", () => {
    const parsed = agents().map(({ text }) => parse(text) as Record<string, unknown>);
    const [backup, hourly, missed, exporter] = parsed;
    expect(backup).toMatchObject({
      Label: "com.mem0.prd.backup",
      ProgramArguments: expect.arrayContaining([HOME, "prd", "backup"]),
      StartCalendarInterval: [{ Minute: 30, Hour: 2 }],
      StandardErrorPath: `${HOME}/stacks/prd/log/schedule/backup.out`,
    });
    expect(backup).not.toHaveProperty("RunAtLoad");
    // Three minutes on the 1st, three on Fridays, in two months.
    expect(hourly?.StartCalendarInterval).toHaveLength(12);
    expect(hourly?.StartCalendarInterval).toContainEqual({ Minute: 20, Weekday: 5, Month: 2 });
    expect(missed?.RunAtLoad).toBe(true);
    expect(exporter).toMatchObject({ KeepAlive: true, RunAtLoad: true });
  });

  needing("plistutil").it("are property lists to the system's own parser", () => {
    for (const { name, text } of agents()) {
      const { status, stderr } = spawnSync("plistutil", ["-i", "-", "-f", "json"], {
        input: text,
        encoding: "utf8",
      });
      expect(status, `${name}: ${stderr}`).toBe(0);
    }
  });
});

describe("units of systemd", () => {
  const scratch = scratchDirectory();

  it("start what was due while the machine was off, at either of two days", () => {
    const [backup, hourly] = unitsBy("systemd", JOBS);
    expect(backup?.files["mem0-prd-backup.timer"]).toContain("OnCalendar=*-*-* 02:30:00\nPersistent=true\n");
    expect(hourly?.files["mem0-prd-hourly.timer"]).toContain(
      "OnCalendar=Fri *-01,02-* *:00,20,40:00\nOnCalendar=*-01,02-01 *:00,20,40:00\n",
    );
  });

  needing("systemd-analyze").it("are units to systemd's own check", () => {
    const directory = scratch.path;
    const files = unitsBy("systemd", JOBS).flatMap(({ files: named }) => Object.entries(named));
    for (const [name, text] of files) writeFileSync(path.join(directory, name), text);
    const names = files.map(([name]) => path.join(directory, name));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...names], {
      encoding: "utf8",
    });
    // It tells of units of the machine as well.
    const ours = stderr.split("\n").filter((line) => line.includes("mem0-prd"));
    expect(ours).toEqual([]);
    expect(status, stderr).toBe(0);
  });
});
