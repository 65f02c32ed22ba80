import { describe, expect, it } from "vitest";
import { processTable } from "../../../../ops/base/process-table.ts";
import { onFakeMac } from "../../../harness/fakes/mac/mac.ts";
import { needing } from "../../../harness/support/needing.ts";

describe("the processes of a Mac", () => {
  it("are told apart by boot and start, and the machine by what does not change with the network", async () => {
    await onFakeMac((mac) => {
      mac.begin(501, "Fri Nov 27 22:18:01 2026");
      const { machine, bornAt } = processTable("darwin");
      expect(machine).toBe("0DE6BD3E-0000-4000-8000-00000000000A");
      expect(bornAt(501)).toEqual({
        id: "5E55105E-0000-4000-8000-000000000001 Fri Nov 27 22:18:01 2026",
        time: new Date("2026-11-27T22:18:01Z"),
      });
      expect(bornAt(502)).toBeUndefined();

      mac.boot("5E55105E-0000-4000-8000-000000000002");
      mac.begin(501, "Fri Nov 27 22:18:01 2026");
      expect(processTable("darwin").bornAt(501)?.id).toMatch(/^5E55105E-0000-4000-8000-000000000002/);
    });
  });
});

needing("Linux").describe("the processes of Linux", () => {
  it("are told apart by boot and start, as /proc tells them", () => {
    const { bornAt } = processTable("linux");
    const birth = bornAt(process.pid);
    expect(birth?.id).toMatch(/^[0-9a-f-]{36} \d+$/);
    expect(Math.abs(Date.now() - process.uptime() * 1000 - (birth?.time.getTime() ?? 0))).toBeLessThan(5_000);
    expect(bornAt(2 ** 22 + 1)).toBeUndefined();
  });
});
