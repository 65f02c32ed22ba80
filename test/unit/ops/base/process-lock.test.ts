import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  acquireLock,
  type Holder,
  isHolderAlive,
  releaseLock,
  thisProcess,
} from "../../../../ops/base/process-lock.ts";
import { type ProcessTable, processTable } from "../../../../ops/base/process-table.ts";
import { onFakeMac } from "../../../harness/fakes/mac/mac.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const SINCE = "2026-11-27T22:18:02.000Z";

/** A machine of that name on which every process began at the same time. */
function table(machine: string | undefined, id = "boot 1"): ProcessTable {
  return { machine, bornAt: () => ({ id, time: new Date(SINCE) }) };
}

function holder(changes: Partial<Holder> = {}): Holder {
  return { pid: process.pid, born: "boot 1", host: os.hostname(), machine: "m-1", since: SINCE, ...changes };
}

describe("the holder of a lock", () => {
  const { pid: gone } = spawnSync("true");
  it.each<[string, Holder, ProcessTable, boolean]>([
    ["lives", holder(), table("m-1"), true],
    ["is dead when its number is nobody's", holder({ pid: gone }), table("m-1"), false],
    ["is dead when its number is another process's", holder(), table("m-1", "boot 2"), false],
    ["lives when nothing tells its start", holder({ born: "" }), table("m-1", "boot 2"), true],
    ["of a machine that has another name now lives", holder({ host: "before" }), table("m-1"), true],
    ["of such a machine is dead", holder({ host: "before", pid: gone }), table("m-1"), false],
    ["of another machine counts as alive", holder({ host: "elsewhere", pid: gone }), table("m-2"), true],
    [
      "of an earlier version, which named no machine, goes by the host's name",
      { pid: gone, born: "", host: os.hostname(), since: SINCE },
      table("m-1"),
      false,
    ],
  ])("%s", (_, who, here, alive) => {
    expect(isHolderAlive(who, here)).toBe(alive);
  });
});

describe("a lock on a Mac", () => {
  it("of a process whose number another one has now is taken over, whatever the Mac was called then", async () => {
    await onFakeMac((mac) => {
      const file = path.join(scratch.path, "lock");
      mac.begin(process.pid, "Fri Nov 27 22:18:01 2026");
      const before = thisProcess(processTable("darwin"));
      writeFileSync(file, JSON.stringify({ ...before, host: "MacBook-Pro.fritz.box" }));
      expect(acquireLock(file, processTable("darwin"))).toMatchObject({ host: "MacBook-Pro.fritz.box" });

      mac.boot("5E55105E-0000-4000-8000-000000000002");
      mac.begin(process.pid, "Sat Nov 28 07:00:09 2026");
      expect(acquireLock(file, processTable("darwin"))).toBeUndefined();
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ host: os.hostname() });
      releaseLock(file);
      expect(existsSync(file)).toBe(false);
    });
  });
});
