import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Manager } from "../../../../config/manifest.ts";
import { findManager, managerOf } from "../../../../ops/schedules/managers.ts";
import { type Unit, unitsOf } from "../../../../ops/schedules/units/unit.ts";
import { type FakeManagers, fakeManagers } from "../../../harness/fakes/managers/managers.ts";

let fake: FakeManagers;
beforeEach(() => {
  fake = fakeManagers();
});
afterEach(() => fake.remove());

/** The unit of a job, with another time where one is given. */
function unitOf(by: Manager, job = "backup", when = "30 2 * * *"): Unit {
  const stateHome = "/home/me/.mem0-host";
  const program = { node: "/n/node", program: "/p", logDays: 7 };
  const deployed = { stack: "prd", stateHome, directory: `${stateHome}/stacks/prd` };
  const [unit] = unitsOf(deployed, { by, ...program, jobs: { [job]: when } });
  if (unit === undefined) throw new Error("no unit");
  return unit;
}

const read = (name: string) => readFileSync(path.join(fake.directory, name), "utf8");

describe.each(["launchd", "systemd", "cron"] as const)("a unit of %s", (by) => {
  it("is installed, found to be loaded, changed, and removed, each of which may be done twice", async () => {
    const manager = managerOf(by, fake.owner);
    const [first, second] = [unitOf(by), unitOf(by, "backup", "0 3 * * *")];
    expect(await manager.fault(first)).toMatch(/missing|no line/);
    await manager.install(first);
    await manager.install(first);
    expect(await manager.fault(first)).toBeUndefined();
    expect(await manager.fault(second)).toMatch(/not as up wrote it/);
    await manager.install(second);
    expect(await manager.fault(second)).toBeUndefined();
    await manager.remove(second);
    await manager.remove(second);
    expect(await manager.fault(second)).toMatch(/missing|no line/);
  });
});

describe("launchd", () => {
  it("gets an agent again only when the one before is gone, and loads what is in the new file", async () => {
    const manager = managerOf("launchd", fake.owner);
    await manager.install(unitOf("launchd"));
    await manager.install(unitOf("launchd", "backup", "0 3 * * *"));
    expect(read("loaded/com.mem0.prd.backup")).toContain("<integer>3</integer>");
    expect(read("asked").match(/^bootstrap/gm)).toHaveLength(2);
    expect(readdirSync(path.join(fake.directory, "going"))).toEqual([]);
  });

  it("takes an agent that was switched off in Login Items, since up was asked to install it", async () => {
    fake.write("disabled/com.mem0.prd.backup", "");
    await managerOf("launchd", fake.owner).install(unitOf("launchd"));
    expect(existsSync(path.join(fake.directory, "loaded/com.mem0.prd.backup"))).toBe(true);
  });

  it("is told apart: an agent whose file is there and that nobody has loaded", async () => {
    const manager = managerOf("launchd", fake.owner);
    const unit = unitOf("launchd");
    await manager.install(unit);
    fake.write("going/com.mem0.prd.backup", "0");
    expect(await manager.fault(unit)).toMatch(/launchd has not loaded it/);
  });
});

describe("systemd", () => {
  it("keeps what never ends as a service of its own, without a timer", async () => {
    const unit = unitOf("systemd", "exporter", "always");
    await managerOf("systemd", fake.owner).install(unit);
    expect(read("active/mem0-prd-exporter.service")).toMatch(/^Restart=always$/m);
    expect(readdirSync(path.join(fake.directory, "known"))).toEqual(["mem0-prd-exporter.service"]);
  });
});

describe("the crontab", () => {
  it("keeps the lines of whoever changes it at the same moment", async () => {
    fake.write("crontab", "0 1 * * * /bin/mine\n");
    fake.write("intruder", "1 1 * * * /bin/first\n2 1 * * * /bin/second\n");
    await managerOf("cron", fake.owner).install(unitOf("cron"));
    const lines = read("crontab").split("\n");
    expect(lines).toEqual(
      expect.arrayContaining(["0 1 * * * /bin/mine", "1 1 * * * /bin/first", "2 1 * * * /bin/second"]),
    );
    expect(await managerOf("cron", fake.owner).fault(unitOf("cron"))).toBeUndefined();
  });

  it("is given up with nothing lost when somebody changes it all the time", async () => {
    const others = Array.from({ length: 60 }, (_, index) => `${index} 1 * * * /bin/other\n`);
    fake.write("intruder", others.join(""));
    await expect(managerOf("cron", fake.owner).install(unitOf("cron"))).rejects.toThrow(
      /somebody else changes the crontab/,
    );
    expect(read("crontab")).not.toContain("mem0");
    expect(read("crontab").startsWith(others[0] ?? "-")).toBe(true);
  });

  it("of several jobs at once gets the lines of all", async () => {
    const units = ["backup", "hourly", "verify", "drill"].map((job) => unitOf("cron", job));
    await Promise.all(units.map((unit) => managerOf("cron", fake.owner).install(unit)));
    const lines = read("crontab").trimEnd().split("\n");
    expect(lines).toHaveLength(units.length + 2);
    await Promise.all(units.map((unit) => managerOf("cron", fake.owner).remove(unit)));
    expect(existsSync(path.join(fake.directory, "crontab"))).toBe(false);
  });

  it("whose marker is missing is refused, with the mend, and stays as it is", async () => {
    const crontab = "# END mem0 prd\n0 1 * * * /bin/mine\n";
    fake.write("crontab", crontab);
    for (const act of ["install", "remove"] as const) {
      const acting = managerOf("cron", fake.owner)[act](unitOf("cron"));
      await expect(acting).rejects.toMatchObject({ mend: expect.stringContaining("crontab -e") });
    }
    expect(read("crontab")).toBe(crontab);
  });
});

describe("who runs the jobs", () => {
  it("is systemd where it goes on without a log-in", async () => {
    fake.write("linger", "Linger=yes\n");
    expect(await findManager("auto", undefined, fake.owner, "linux")).toEqual({ manager: "systemd" });
  });

  it("stays who has them, or that is said: another manager is not taken in silence", async () => {
    fake.write("no-bus", "");
    expect(await findManager("auto", "systemd", fake.owner, "linux")).toEqual({
      reason: expect.stringContaining("no systemd of your own answers"),
    });
  });

  it("is launchd on a Mac, and on one without a session of the user nobody", async () => {
    expect(await findManager("auto", undefined, fake.owner, "darwin")).toEqual({ manager: "launchd" });
    const elsewhere = { ...fake.owner, uid: 502 };
    expect(await findManager("auto", undefined, elsewhere, "darwin")).toEqual({
      reason: expect.stringContaining("log in at the screen"),
    });
  });

  it("is nobody where there is neither: each is told with its mend", async () => {
    const bare = { ...fake.owner, env: { ...fake.owner.env, PATH: "/nowhere" } };
    expect(await findManager("auto", undefined, bare, "linux")).toEqual({
      reason: expect.stringMatching(/no systemd of your own.*apt-get install cron/),
    });
  });
});
