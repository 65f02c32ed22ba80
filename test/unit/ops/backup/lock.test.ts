import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { lockFile, withBackupLock } from "../../../../ops/backup/lock.ts";
import { withScratch } from "../../../../ops/backup/scratch.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

function leaveLock(holder: object): void {
  mkdirSync(path.dirname(lockFile(scratch.path)), { recursive: true });
  writeFileSync(lockFile(scratch.path), JSON.stringify(holder));
}

describe("the lock of a stack's backups", () => {
  it("refuses a second run at once, and names the first", async () => {
    const second = withBackupLock(scratch.path, () => withBackupLock(scratch.path, async () => {}));
    await expect(second).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining(`process ${process.pid} on ${os.hostname()}, since 20`),
    });
    expect(existsSync(lockFile(scratch.path))).toBe(false);
  });

  it("of a dead process is taken over", async () => {
    const { pid } = spawnSync("true");
    leaveLock({ pid, born: "", host: os.hostname(), since: "2026-11-24T02:30:00.000Z" });
    expect(await withBackupLock(scratch.path, async () => "done")).toBe("done");
  });

  it("is taken with nothing in the way that a dead run had unpacked", async () => {
    const left = path.join(scratch.path, "backup", "scratch", "history.db");
    await withScratch(scratch.path, async () => {
      writeFileSync(left, "what a backup holds encrypted");
      // As after a kill: nothing of the dead run's is removed by itself.
      await withBackupLock(scratch.path, async () => expect(existsSync(left)).toBe(false));
    });
  });

  it("of a process on another host is left alone: nobody here can tell whether it lives", async () => {
    const { pid } = spawnSync("true");
    leaveLock({ pid, born: "", host: "another-host", since: "2026-11-24T02:30:00.000Z" });
    await expect(withBackupLock(scratch.path, async () => "done")).rejects.toMatchObject({ exitCode: 6 });
  });
});
