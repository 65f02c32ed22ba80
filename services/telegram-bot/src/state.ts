import { Counter, Gauge, Registry } from "prom-client";
import { log } from "../../exporter/src/log.ts";
import { OUTCOMES, type Outcome } from "./answers.ts";
import type { Asked } from "./asked.ts";
import type { Inbox } from "./inbox.ts";
import { NotNow, SERVER_FAULTS } from "./memory.ts";
import { FAULTS, TelegramFault } from "./telegram.ts";

/** Whom the bot depends on: Telegram for messages, the memory server, and the disk under the inbox. */
export type Peer = "telegram" | "server" | "inbox";

interface Condition {
  /** Nothing while all is well. */
  reason: string | undefined;
  detail: string | undefined;
  /** Since when it is so, in milliseconds. */
  since: number;
}

/** How it stands with one peer, for whoever asks. */
export type Told = { ok: boolean; since: string; reason?: string; detail?: string };

const REASONS: Record<Peer, readonly string[]> = {
  // Until the first poll has succeeded nobody knows.
  telegram: ["starting", ...FAULTS],
  server: SERVER_FAULTS,
  inbox: ["disk", "other"],
};

const KINDS: readonly (Asked["kind"] | "stranger")[] = [
  ...(["start", "help", "status", "remember", "recall", "list", "forget"] as const),
  ...(["confirmed", "kept", "unclear", "stranger"] as const),
];

/** What the bot knows of how it goes: for the log, `/ready`, the metrics and `/status`. Never a text of anybody's. */
export class State {
  readonly #registry = new Registry();
  readonly #conditions: Record<Peer, Condition>;
  readonly #failures: Counter;
  readonly #messages: Counter;
  readonly #outcomes: Counter;
  readonly #now: () => number;
  #polled: number | undefined;

  constructor(inbox: Inbox, version: string, now: () => number = Date.now) {
    this.#now = now;
    const well = () => ({ reason: undefined, detail: undefined, since: now() });
    this.#conditions = {
      telegram: { reason: "starting", detail: "not asked yet", since: now() },
      server: well(),
      inbox: well(),
    };
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("mem0_bot_polling", "Whether the last poll of Telegram succeeded: 1 yes, 0 no.", () =>
      this.#conditions.telegram.reason === undefined ? 1 : 0,
    );
    gauge(
      "mem0_bot_last_poll_timestamp_seconds",
      "When a poll of Telegram succeeded last; 0: never.",
      () => (this.#polled ?? 0) / 1000,
    );
    const conditions = this.#conditions;
    new Gauge({
      name: "mem0_bot_fault",
      help: "What is wrong now: 1 at the reason that holds, 0 at the others.",
      labelNames: ["peer", "reason"],
      registers,
      collect() {
        for (const { peer, reason } of everyReason())
          this.set({ peer, reason }, conditions[peer].reason === reason ? 1 : 0);
      },
    });
    gauge("mem0_bot_waiting", "Messages that are not answered yet.", () => inbox.backlog().count);
    gauge("mem0_bot_waiting_oldest_seconds", "Age of the oldest message that is not answered yet.", () => {
      const { since } = inbox.backlog();
      return since === undefined ? 0 : Math.max(0, now() - since) / 1000;
    });
    gauge("process_start_time_seconds", "When the bot was started.", () => performance.timeOrigin / 1000);
    gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
    new Gauge({ name: "mem0_bot_info", help: "Version; always 1.", labelNames: ["version"], registers }).set(
      { version },
      1,
    );
    this.#failures = new Counter({
      name: "mem0_bot_failures_total",
      help: "Calls that failed.",
      labelNames: ["peer", "reason"],
      registers,
    });
    this.#messages = new Counter({
      name: "mem0_bot_messages_total",
      help: "Messages and pressed buttons that were received.",
      labelNames: ["kind"],
      registers,
    });
    this.#outcomes = new Counter({
      name: "mem0_bot_outcomes_total",
      help: "What became of what was asked for.",
      labelNames: ["outcome"],
      registers,
    });
    // Each begins at 0, so that the first counts as an increase.
    for (const labels of everyReason()) this.#failures.inc(labels, 0);
    for (const kind of KINDS) this.#messages.inc({ kind }, 0);
    for (const outcome of OUTCOMES) this.#outcomes.inc({ outcome }, 0);
  }

  received(kind: (typeof KINDS)[number]): void {
    this.#messages.inc({ kind });
  }

  ended(outcome: Outcome): void {
    this.#outcomes.inc({ outcome });
  }

  polled(): void {
    this.#polled = this.#now();
    this.well("telegram");
  }

  well(peer: Peer): void {
    this.#change(peer, undefined, undefined);
  }

  /** Notes a failure; its reason is logged when it is another than before. */
  failed(peer: Peer, error: unknown): void {
    const reason = reasonOf(error);
    this.#failures.inc({ peer, reason });
    this.#change(peer, reason, error instanceof Error ? error.message : String(error));
  }

  /** How it stands with each, and whether all is well. */
  told(): { ready: boolean } & Record<Peer, Told> {
    const of = (peer: Peer): Told => {
      const { reason, detail, since } = this.#conditions[peer];
      const at = { ok: reason === undefined, since: new Date(since).toISOString() };
      return {
        ...at,
        ...(reason === undefined ? {} : { reason }),
        ...(detail === undefined ? {} : { detail }),
      };
    };
    const all = { telegram: of("telegram"), server: of("server"), inbox: of("inbox") };
    return { ready: Object.values(all).every(({ ok }) => ok), ...all };
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #change(peer: Peer, reason: string | undefined, detail: string | undefined): void {
    const before = this.#conditions[peer];
    if (before.reason === reason) return;
    this.#conditions[peer] = { reason, detail, since: this.#now() };
    if (reason !== undefined) log("warning", `${peer} fails`, { reason, detail });
    else log("info", `${peer} is well`, { was: before.reason, seconds: (this.#now() - before.since) / 1000 });
  }
}

function everyReason(): { peer: Peer; reason: string }[] {
  return (Object.keys(REASONS) as Peer[]).flatMap((peer) =>
    REASONS[peer].map((reason) => ({ peer, reason })),
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof TelegramFault || error instanceof NotNow) return error.reason;
  return (error as { code?: unknown }).code === "ERR_SQLITE_ERROR" ? "disk" : "other";
}
