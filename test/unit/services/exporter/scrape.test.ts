import { describe, expect, it, vi } from "vitest";
import { OwnMetrics } from "../../../../services/exporter/src/own-metrics.ts";
import { PARTS, type Part, type PartName } from "../../../../services/exporter/src/parts/part.ts";
import { Scraper } from "../../../../services/exporter/src/scrape.ts";

const settings = { stack: "test", identity: { instanceId: "ab", embedder: "e", dimensions: 3 } };

function part(name: PartName, collect: Part["collect"]): Part {
  return {
    name,
    whenDown: (page) => page.set(name === "neo4j" ? "mem0_neo4j_up" : "mem0_postgres_up", 0),
    collect,
    close: async () => {},
  };
}

function scraperOf(...parts: Part[]) {
  const own = new OwnMetrics(PARTS);
  return { own, scraper: new Scraper({ settings, parts, own, partMs: 20 }) };
}

const well = part("postgres", async (page) => page.set("mem0_postgres_up", 1));

describe("a scrape", () => {
  it("goes on without a part that fails, and says which and why", async () => {
    const lines = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const dead = part("neo4j", async () => {
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    });
    const { scraper, own } = scraperOf(well, dead);
    const page = await scraper.scrape();
    await scraper.scrape();
    expect(page.value("mem0_postgres_up")).toBe(1);
    expect(page.value("mem0_neo4j_up")).toBe(0);
    expect(page.value("mem0_exporter_part_up", { part: "neo4j" })).toBe(0);
    expect(page.value("mem0_exporter_part_up", { part: "postgres" })).toBe(1);
    expect(await own.render()).toContain(
      'mem0_exporter_part_errors_total{part="neo4j",reason="unreachable"} 2',
    );
    // Once, not at every scrape.
    expect(lines.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      expect.objectContaining({
        level: "warning",
        part: "neo4j",
        reason: expect.stringContaining("unreachable"),
      }),
    ]);
    lines.mockRestore();
  });

  it("drops what a part finds after its time", async () => {
    const lines = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    let wake: (() => void) | undefined;
    const slow = part("neo4j", async (page) => {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      page.set("mem0_neo4j_up", 1);
    });
    const { scraper } = scraperOf(slow);
    const page = await scraper.scrape();
    wake?.();
    await Promise.resolve();
    expect(page.values("mem0_neo4j_up").map(({ value }) => value)).toEqual([0]);
    lines.mockRestore();
  });

  it("keeps what a part found before one of its steps failed", async () => {
    const lines = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const halting = part("postgres", async (page, complain) => {
      page.set("mem0_postgres_up", 1);
      complain(new Error("a step failed"));
    });
    const page = await scraperOf(halting).scraper.scrape();
    expect(page.value("mem0_postgres_up")).toBe(1);
    expect(page.value("mem0_exporter_part_up", { part: "postgres" })).toBe(0);
    lines.mockRestore();
  });
});
