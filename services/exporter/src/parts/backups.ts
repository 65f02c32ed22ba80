import { readFile } from "node:fs/promises";
import { Malformed } from "../exposition.ts";
import type { Page } from "../page.ts";
import type { Part } from "./part.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Time between two backups, seconds; a month is taken at its longest. */
const INTERVALS: Record<string, number> = { hourly: HOUR, daily: DAY, weekly: 7 * DAY, monthly: 31 * DAY };

const RESULTS = ["ok", "failed", "suspect"];

/** How backups and drills went, from the file that they leave for others to read. */
export function backupsPart(statusFile: string): Part {
  return {
    name: "backups",
    whenDown: (page) => {
      page.set("mem0_backup_status_up", 0);
    },
    collect: async (page) => {
      const status = await readFile(statusFile, "utf8").then(parse, ifMissing);
      if (status !== undefined) show(status, page);
      page.set("mem0_backup_status_up", 1);
    },
    close: async () => {},
  };
}

/** Before the first backup there is no file, and nothing wrong with that. */
function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function parse(text: string): Fields {
  try {
    return new Fields("backups.json", JSON.parse(text));
  } catch {
    throw new Malformed("backups.json is not JSON");
  }
}

function show(status: Fields, page: Page): void {
  const version = status.number("version");
  if (version !== 1) throw new Malformed(`backups.json has version ${version}; known: 1`);
  for (const [tier, run] of status.group("tiers").groups()) showTier(tier, run, page);
  const disk = status.optional("disk");
  if (disk !== undefined) {
    const place = { place: "backups" };
    page.set("mem0_disk_free_bytes", disk.number("freeBytes"), place);
    page.set("mem0_disk_size_bytes", disk.number("sizeBytes"), place);
  }
  const copy = status.optional("copy");
  if (copy !== undefined) {
    page.set("mem0_backup_copy_timestamp_seconds", copy.time("time"));
    page.set("mem0_backup_copy_success", copy.text("result") === "ok" ? 1 : 0);
  }
  const drill = status.optional("drill");
  if (drill === undefined) return;
  page.set("mem0_restore_drill_timestamp_seconds", drill.time("time"));
  page.set("mem0_restore_drill_success", drill.text("result") === "ok" ? 1 : 0);
  page.set("mem0_restore_drill_duration_seconds", drill.number("seconds"));
}

function showTier(tier: string, fields: Fields, page: Page): void {
  const last = fields.group("lastRun");
  const good = fields.optional("lastSuccess");
  const result = last.text("result");
  if (!RESULTS.includes(result)) throw new Malformed(`backups.json: ${tier}.lastRun.result is ${result}`);
  page.set("mem0_backup_last_run_timestamp_seconds", last.time("time"), { tier });
  page.set("mem0_backup_last_run_duration_seconds", last.number("seconds"), { tier });
  for (const known of RESULTS) {
    page.set("mem0_backup_last_run_result", known === result ? 1 : 0, { tier, result: known });
  }
  page.set("mem0_backup_last_success_timestamp_seconds", good?.time("time") ?? 0, { tier });
  const interval = INTERVALS[tier];
  if (interval !== undefined) page.set("mem0_backup_interval_seconds", interval, { tier });
  if (good === undefined) return;
  page.set("mem0_backup_last_success_size_bytes", good.number("bytes"), { tier });
  page.set("mem0_backup_last_success_duration_seconds", good.number("seconds"), { tier });
  page.set("mem0_backup_last_success_memories", good.number("memories"), { tier });
}

/** Fields of a JSON object, with errors that name the field. */
class Fields {
  readonly #path: string;
  readonly #fields: Record<string, unknown>;

  constructor(path: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Malformed(`${path} is not a group of fields`);
    }
    this.#path = path;
    this.#fields = value as Record<string, unknown>;
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#wrong(name, "a number");
    return value;
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== "string") throw this.#wrong(name, "text");
    return value;
  }

  /** ISO 8601, as Unix seconds. */
  time(name: string): number {
    const milliseconds = Date.parse(this.text(name));
    if (Number.isNaN(milliseconds)) throw this.#wrong(name, "a time");
    return milliseconds / 1000;
  }

  group(name: string): Fields {
    return new Fields(`${this.#path}: ${name}`, this.#fields[name]);
  }

  optional(name: string): Fields | undefined {
    return this.#fields[name] === undefined ? undefined : this.group(name);
  }

  groups(): [string, Fields][] {
    return Object.keys(this.#fields).map((name) => [name, this.group(name)]);
  }

  #wrong(name: string, wanted: string): Malformed {
    return new Malformed(`${this.#path}.${name} is not ${wanted}`);
  }
}
