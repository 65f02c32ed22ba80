import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { thisProcess } from "../../../../ops/base/process-lock.ts";
import { processTable } from "../../../../ops/base/process-table.ts";
import { onFakeMac } from "../../../harness/fakes/mac/mac.ts";
import { needing } from "../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

/** Takes the lock that its first argument names, as on the platform of its second; prints who had it, and its name. */
const TAKER = `
  import os from "node:os";
  const { acquireLock } = await import(${JSON.stringify(path.resolve("ops/base/process-lock.ts"))});
  const { processTable } = await import(${JSON.stringify(path.resolve("ops/base/process-table.ts"))});
  const [file, platform] = process.argv.slice(1);
  console.log(JSON.stringify({ had: acquireLock(file, processTable(platform)) ?? null, host: os.hostname() }));
`;

/** Runs it under another host name, after a command of the shell as root. */
async function takeRenamed(file: string, platform: string, first: string): Promise<unknown> {
  const script = `hostname renamed && ${first} && exec "$0" "$@"`;
  const node = [process.execPath, "--input-type=module", "-e", TAKER, "--", file, platform];
  const { stdout } = await execa("unshare", ["--uts", "--mount", "sh", "-c", script, ...node]);
  return JSON.parse(stdout);
}

needing("root").describe("a lock, after the host has got another name,", () => {
  it("is left to a living process, and taken from a dead one", async () => {
    const file = path.join(scratch.path, "lock");
    const mine = thisProcess();
    writeFileSync(file, JSON.stringify(mine));
    expect(await takeRenamed(file, "linux", "true")).toEqual({ had: mine, host: "renamed" });
    writeFileSync(file, JSON.stringify({ ...mine, pid: spawnSync("true").pid }));
    expect(await takeRenamed(file, "linux", "true")).toEqual({ had: null, host: "renamed" });
  });

  it("is taken on a machine without /proc from a process whose number another one has now", async () => {
    await onFakeMac(async (mac) => {
      const file = path.join(scratch.path, "lock");
      mac.begin(process.pid, "Fri Nov 27 22:18:01 2026");
      const mine = thisProcess(processTable("darwin"));
      expect(mine.host).toBe(os.hostname());
      writeFileSync(file, JSON.stringify(mine));
      const withoutProc = "mount -t tmpfs none /proc";
      expect(await takeRenamed(file, "darwin", withoutProc)).toMatchObject({ had: mine, host: "renamed" });
      mac.begin(process.pid, "Fri Nov 27 23:00:00 2026");
      expect(await takeRenamed(file, "darwin", withoutProc)).toMatchObject({ had: null, host: "renamed" });
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ host: "renamed" });
    });
  });
});
