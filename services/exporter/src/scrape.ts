import { describe, reasonOf } from "./failure.ts";
import { log } from "./log.ts";
import type { OwnMetrics } from "./own-metrics.ts";
import { Page } from "./page.ts";
import type { Part, PartName } from "./parts/part.ts";
import type { Settings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** Time for each part; Prometheus gives up after 10 s. */
const PART_MS = 4_000;

export interface Options {
  settings: Pick<Settings, "stack" | "identity">;
  parts: readonly Part[];
  own: OwnMetrics;
  partMs?: number;
}

/** Collects all parts at the same time; of one that fails or takes too long, only its own metrics are missing. */
export class Scraper {
  readonly #options: Options;
  /** What was wrong with each part in the last scrape: only a change is logged. */
  readonly #complaints = new Map<PartName, string>();

  constructor(options: Options) {
    this.#options = options;
  }

  async scrape(): Promise<Page> {
    const started = performance.now();
    const page = new Page();
    this.#showExporter(page);
    for (const found of await Promise.all(this.#options.parts.map((part) => this.#collect(part)))) {
      page.add(found);
    }
    this.#options.own.scraped((performance.now() - started) / 1000);
    return page;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#options.parts.map((part) => part.close()));
  }

  async #collect(part: Part): Promise<Page> {
    const started = performance.now();
    const failures: unknown[] = [];
    const page = new Page();
    try {
      await within(
        this.#options.partMs ?? PART_MS,
        part.collect(page, (error) => failures.push(error)),
      );
    } catch (error) {
      part.whenDown(page);
      failures.push(error);
    }
    const { name } = part;
    page.set("mem0_exporter_part_up", failures.length === 0 ? 1 : 0, { part: name });
    page.set("mem0_exporter_part_duration_seconds", (performance.now() - started) / 1000, { part: name });
    // What a part finds after its time is dropped.
    page.close();
    for (const failure of failures) this.#options.own.failed(name, reasonOf(failure));
    this.#logChange(name, failures);
    return page;
  }

  #logChange(part: PartName, failures: readonly unknown[]): void {
    const reasons = [
      ...new Set(failures.map((failure) => `${reasonOf(failure)}: ${describe(failure)}`)),
    ].join("; ");
    if (reasons === (this.#complaints.get(part) ?? "")) return;
    this.#complaints.set(part, reasons);
    if (reasons === "") log("info", "a part can be read again", { part });
    else log("warning", "a part cannot be read", { part, reason: reasons });
  }

  #showExporter(page: Page): void {
    const { stack, identity } = this.#options.settings;
    const component = { component: "exporter" };
    page.set("mem0_component_info", 1, { ...component, version: VERSION });
    page.set("mem0_component_start_time_seconds", performance.timeOrigin / 1000, component);
    page.set("mem0_component_memory_bytes", process.memoryUsage.rss(), component);
    page.set("mem0_stack_info", 1, {
      stack,
      embedder: identity.embedder,
      dimensions: String(identity.dimensions),
    });
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new DOMException(`no answer within ${milliseconds / 1000} s`, "TimeoutError");
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
