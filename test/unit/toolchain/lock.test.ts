import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "../../../toolchain/lock.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "mem0-lock-"));
  file = path.join(directory, "setup.lock");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const nobody = () => {
  throw new Error("there was nobody to wait for");
};

/** A program that takes the lock, and inside it appends a begin and an end to a log, each in a write of its own. */
const CONTENDER = `
  import { appendFileSync } from "node:fs";
  import { setTimeout as sleep } from "node:timers/promises";
  const { withLock } = await import(${JSON.stringify(path.resolve("toolchain/lock.ts"))});
  const [file, log] = process.argv.slice(1);
  await withLock(file, () => {}, async () => {
    appendFileSync(log, "begin\\n");
    await sleep(20);
    appendFileSync(log, "end\\n");
  });
`;

function contender(log: string) {
  return spawn(process.execPath, ["--input-type=module", "-e", CONTENDER, "--", file, log], {
    stdio: "inherit",
  });
}

describe("a lock", () => {
  it("is gone after the work, done or failed", async () => {
    expect(await withLock(file, nobody, async () => "done")).toBe("done");
    await expect(withLock(file, nobody, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(readdirSync(directory)).toEqual([]);
  });

  it("keeps processes apart that want it at once, also when a dead one holds it", async () => {
    const log = path.join(directory, "log");
    const { pid } = spawnSync("true");
    writeFileSync(file, JSON.stringify({ pid, born: "" }));
    const codes = await Promise.all([1, 2, 3, 4].map(() => once(contender(log), "exit")));
    expect(codes.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect(readFileSync(log, "utf8")).toBe("begin\nend\n".repeat(4));
    expect(existsSync(file)).toBe(false);
  });

  it("of a process whose number another one has now is taken over", async () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, born: "another boot 1" }));
    const isKnown = existsSync("/proc/self/stat");
    if (isKnown) expect(await withLock(file, nobody, async () => "done")).toBe("done");
  });

  it("tells whom it waits for, once", async () => {
    const waitedFor: string[] = [];
    let release = () => {};
    const first = withLock(file, nobody, () => new Promise<void>((resolve) => (release = resolve)));
    const second = withLock(
      file,
      (whom) => {
        waitedFor.push(whom);
        release();
      },
      async () => "second",
    );
    expect(await second).toBe("second");
    await first;
    expect(waitedFor).toHaveLength(1);
    expect(waitedFor[0]).toContain(`process ${process.pid} on ${os.hostname()}, since 20`);
    expect(waitedFor[0]).toContain(`rm ${file}`);
  });
});
