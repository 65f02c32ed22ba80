import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { ProcessTable } from "../../../../ops/base/process-table.ts";
import { releaseDeadLocks } from "../../../../ops/stack/engine-lock.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const LOCKED = new Date("2026-11-27T22:18:02Z");

const born =
  (time: Date): ProcessTable["bornAt"] =>
  () => ({ id: time.toISOString(), time });
const here: ProcessTable = { machine: "m-1", bornAt: born(LOCKED) };

function leaveLock(changes: object = {}): string {
  const directory = path.join(scratch.path, ".pulumi", "locks", "organization", "mem0", "test");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, "one.json");
  const lock = { pid: process.pid, username: "me", hostname: os.hostname(), timestamp: LOCKED, ...changes };
  writeFileSync(file, JSON.stringify(lock));
  return file;
}

const release = (table = here) => releaseDeadLocks({ backend: scratch.path, stack: "test" }, () => {}, table);

describe("a lock of Pulumi's", () => {
  const { pid: gone } = spawnSync("true");

  it("is left to a holder that lives", () => {
    const file = leaveLock();
    expect(release).toThrow(`another run works on stack test (process ${process.pid} on ${os.hostname()})`);
    expect(existsSync(file)).toBe(true);
  });

  it("is released when its holder is dead", () => {
    const file = leaveLock({ pid: gone });
    release();
    expect(existsSync(file)).toBe(false);
  });

  it("is released when the number of its holder belongs to a process that began later", () => {
    const file = leaveLock();
    release({ ...here, bornAt: born(new Date(LOCKED.getTime() + 3_600_000)) });
    expect(existsSync(file)).toBe(false);
  });

  it("under a name that this machine had before is this machine's, and under any other another one's", () => {
    const file = leaveLock({ pid: gone, hostname: "before.local" });
    expect(release).toThrow("on before.local");
    writeFileSync(path.join(scratch.path, "host-names.json"), JSON.stringify({ "m-1": ["before.local"] }));
    release();
    expect(existsSync(file)).toBe(false);
  });

  it("that cannot be read is a person's to judge", () => {
    writeFileSync(leaveLock(), "{");
    expect(release).toThrow("a lock of stack test cannot be read");
  });
});
