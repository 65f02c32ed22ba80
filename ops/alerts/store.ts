import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { readBelow } from "../base/below.ts";
import { Problem } from "../base/problem.ts";
import { acquireLock, describeHolder, type Holder, releaseLock } from "../base/process-lock.ts";
import { waitUntil } from "../base/wait-until.ts";
import { writeBelow } from "../base/write-below.ts";
import { type AlertsState, NOTHING_YET } from "./state.ts";

/** Names of alerts: they stand in file names. */
export const ALERT_TYPE = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

const finding = z.object({
  type: z.string().regex(ALERT_TYPE),
  source: z.enum(["health", "prometheus", "verb"]),
  level: z.enum(["CRITICAL", "WARNING", "INFO"]),
  text: z.string(),
  mend: z.string().optional(),
});

const stateSchema = z.object({
  version: z.literal(1),
  types: z.record(
    z.string().regex(ALERT_TYPE),
    z.object({
      failures: z.int(),
      successes: z.int(),
      open: z.object({ since: z.number(), given: z.array(z.string()) }).optional(),
      queuedAt: z.number().optional(),
    }),
  ),
  silences: z.array(z.object({ type: z.string().optional(), until: z.number(), by: z.string() })),
  queue: z.array(
    z.object({
      id: z.int(),
      channel: z.string(),
      at: z.number(),
      kind: z.enum(["alert", "reminder", "recovery", "event"]),
      items: z.array(finding),
    }),
  ),
  nextId: z.int(),
});

/** How long a run waits for another that is telling somebody. */
const LOCK_MS = 60_000;

const LAST = /^alert_([A-Za-z0-9_]+)\.last$/;

/**
 * What is known of a stack's alerts, on disk under the stack's state directory: `alerts/state.json`, and for each type
 * that somebody heard of `alerts/alert_<type>.last` with the time, in Unix seconds. To remove such a file ends the
 * cooldown of its type, as the operations guide says.
 */
export class AlertStore {
  readonly #stateDir: string;
  readonly #directory: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.#directory = path.join(stateDir, "alerts");
  }

  /** The state so far; an empty one before the first look, and in place of a damaged file, whose alerts are told again. */
  read(): AlertsState {
    const text = readBelow(this.#stateDir, this.#file);
    if (text === undefined) return NOTHING_YET;
    let state: AlertsState;
    try {
      state = stateSchema.parse(JSON.parse(text));
    } catch {
      return NOTHING_YET;
    }
    const types = Object.entries(state.types).map(([type, known]) => {
      const toldAt = this.#last(type);
      if (toldAt !== undefined) return [type, { ...known, toldAt }];
      // Somebody heard of it once, and the file was removed since.
      const waits = state.queue.some(({ items }) => items.some((item) => item.type === type));
      return [type, waits ? known : { ...known, queuedAt: undefined }];
    });
    return { ...state, types: Object.fromEntries(types) };
  }

  /** Changes the state; a process that is killed leaves the one before or the one after. */
  change(change: (state: AlertsState) => AlertsState): AlertsState {
    const before = this.read();
    const state = change(before);
    for (const [type, { toldAt }] of Object.entries(state.types)) {
      if (toldAt === undefined || toldAt === before.types[type]?.toldAt) continue;
      writeBelow(this.#stateDir, this.#lastFile(type), `${Math.floor(toldAt / 1000)}\n`);
    }
    const types = Object.entries(state.types).map(([type, { toldAt: _, ...kept }]) => [type, kept]);
    const text = JSON.stringify({ version: 1, ...state, types: Object.fromEntries(types) }, null, 2);
    writeBelow(this.#stateDir, this.#file, `${text}\n`);
    for (const type of this.#told()) {
      if (state.types[type]?.toldAt === undefined) rmSync(this.#lastFile(type), { force: true });
    }
    return state;
  }

  /** Runs `work` while nobody else changes the state or tells anybody. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const file = path.join(this.#directory, "lock");
    let holder: Holder | undefined;
    const isOurs = async () => {
      holder = acquireLock(file);
      return holder === undefined;
    };
    await waitUntil(isOurs, {
      withinMs: LOCK_MS,
      everyMs: 100,
      late: () =>
        new Problem(`another run is telling alerts: ${holder === undefined ? "" : describeHolder(holder)}`, {
          where: file,
          mend: "wait for it; if that host no longer exists, remove the file",
        }),
    });
    try {
      return await work();
    } finally {
      releaseLock(file);
    }
  }

  get #file(): string {
    return path.join(this.#directory, "state.json");
  }

  #lastFile(type: string): string {
    return path.join(this.#directory, `alert_${type}.last`);
  }

  #last(type: string): number | undefined {
    const seconds = Number(readBelow(this.#stateDir, this.#lastFile(type))?.trim() || Number.NaN);
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }

  /** Types that somebody heard of. */
  #told(): string[] {
    return readdirSync(this.#directory).flatMap((name) => LAST.exec(name)?.[1] ?? []);
  }
}
