import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { noteRun, readStatus, statusFile, updateStatus } from "../../../../ops/backup/status-file.ts";
import { Page } from "../../../../services/exporter/src/page.ts";
import { backupsPart } from "../../../../services/exporter/src/parts/backups.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const good = {
  time: "2026-11-24T02:30:00.000Z",
  seconds: 4,
  bytes: 1000,
  memories: 12,
  id: "20261124_023000",
};

describe("the status of backups", () => {
  it("keeps the last success through failures, and the exporter shows both", async () => {
    updateStatus(scratch.path, (status) =>
      noteRun(status, "hourly", { time: good.time, seconds: 4, result: "ok" }, good),
    );
    const failed = {
      time: "2026-11-24T03:30:00.000Z",
      seconds: 1,
      result: "failed" as const,
      reason: "Postgres is down",
    };
    updateStatus(scratch.path, (status) => noteRun(status, "hourly", failed));
    expect(readStatus(scratch.path).tiers.hourly).toEqual({ lastRun: failed, lastSuccess: good });

    const page = new Page();
    await backupsPart(statusFile(scratch.path)).collect(page, () => {});
    expect(page.value("mem0_backup_last_run_result", { tier: "hourly", result: "failed" })).toBe(1);
    expect(page.value("mem0_backup_last_success_memories", { tier: "hourly" })).toBe(12);
  });

  it("begins anew in place of a damaged file", () => {
    mkdirSync(path.dirname(statusFile(scratch.path)), { recursive: true });
    writeFileSync(statusFile(scratch.path), "{");
    expect(readStatus(scratch.path)).toEqual({ version: 1, tiers: {} });
    updateStatus(scratch.path, (status) => status);
    expect(JSON.parse(readFileSync(statusFile(scratch.path), "utf8"))).toEqual({ version: 1, tiers: {} });
  });
});
