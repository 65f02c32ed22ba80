import { expect, it } from "vitest";
import { planRotation } from "../../../../ops/schedules/logs.ts";

const NOW = new Date("2026-11-28T03:50:00Z");
const aged = (name: string, days: number, bytes = 10) => ({
  name,
  bytes,
  modifiedMs: NOW.getTime() - days * 24 * 3600_000,
});

it("removes logs of runs after their days, empties open ones into a dated one, and leaves what is not ours", () => {
  const plan = planRotation(
    [
      aged("2026-11-20T02-30-00-000Z-backup.log", 8),
      aged("2026-11-22T02-30-00-000Z-backup-hourly.log", 6),
      aged("exporter.log", 30),
      aged("backup.out", 0, 0),
      aged("2026-11-19T03-50-00-000Z-exporter.log", 9),
      aged("notes of mine.txt", 900),
    ],
    7,
    NOW,
  );
  expect(plan).toEqual({
    remove: ["2026-11-20T02-30-00-000Z-backup.log", "2026-11-19T03-50-00-000Z-exporter.log"],
    empty: [{ name: "exporter.log", into: "2026-11-28T03-50-00-000Z-exporter.log" }],
  });
});
