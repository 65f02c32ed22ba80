import { InvalidArgumentError } from "commander";
import prettyMs from "pretty-ms";
import { declareSilence, liftSilences } from "../ops/alerts/alerts.ts";
import { clear } from "../ops/alerts/core.ts";
import { parseDuration } from "../ops/alerts/duration.ts";
import type { AlertsState } from "../ops/alerts/state.ts";
import { ALERT_TYPE, AlertStore } from "../ops/alerts/store.ts";
import { ExitCode, Problem } from "../ops/base/problem.ts";
import { table } from "./cli/table.ts";
import { defineVerb } from "./cli/verb.ts";

interface Options {
  clear?: string;
  silence?: number;
  speak?: boolean;
}

export const verb = defineVerb<Options>({
  declare: (command) =>
    command
      .argument("[type]", "with --silence: the type that is not told (default: all)")
      .option("--clear <type>", "end the cooldown of a type: what is still open is told at the next look")
      .option("--silence <duration>", "open and tell nothing for so long, e.g. 30m, 2h", duration)
      .option("--speak", "end every silence"),
  json: "alerts, silences and what waits",
  exits: { ok: "shown, or done" },
  examples: ["alerts --stack prd", "alerts --silence 2h postgresql_down", "alerts --clear disk_space_low"],
  run: async (call) => {
    const stack = call.deployed();
    const [type] = call.args;
    if (type !== undefined && !ALERT_TYPE.test(type)) {
      throw new Problem(`${type} is no name of an alert`, { exitCode: ExitCode.usage });
    }
    const store = new AlertStore(stack.directory);
    const { clear: cleared, silence, speak } = call.options;
    if (silence !== undefined) await declareSilence(stack, { type, ms: silence, by: "a person" });
    else if (type !== undefined) {
      throw new Problem("a type says what is silenced", {
        mend: `./mem0 alerts --silence 1h ${type}; for another stack: --stack ${type}`,
        exitCode: ExitCode.usage,
      });
    }
    if (speak === true) await liftSilences(stack);
    if (cleared !== undefined) {
      await store.alone(async () => {
        store.change((state) => clear(state, cleared));
      });
    }
    const state = store.read();
    return { text: render(state, Date.now()), json: { stack: stack.name, ...state } };
  },
});

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("allowed: up to 30 days, e.g. 30m, 2h, 1d");
  return ms;
}

function render({ types, silences, queue }: AlertsState, now: number): string {
  const ago = (at: number | undefined) =>
    at === undefined ? "-" : `${prettyMs(Math.max(0, now - at), { compact: true })} ago`;
  const known = Object.entries(types).filter(
    ([, { open, toldAt }]) => open !== undefined || toldAt !== undefined,
  );
  const rows = known.map(([type, { open, toldAt }]) => [
    type,
    open === undefined ? "well" : `open since ${ago(open.since)}`,
    ago(toldAt),
  ]);
  const silent = silences
    .filter(({ until }) => until > now)
    .map(
      ({ type, until, by }) =>
        `silent: ${type ?? "all"}, for ${prettyMs(until - now, { compact: true })}, by ${by}`,
    );
  return [
    rows.length === 0
      ? "no alert is open, and none was told lately"
      : table(["alert", "state", "told"], rows),
    ...silent,
    ...(queue.length === 0 ? [] : [`${queue.length} messages wait to be sent; the next look sends them`]),
  ].join("\n");
}
