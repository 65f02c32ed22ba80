import type { AlertsState, Finding, Message, Policy, TypeState } from "./state.ts";

/** Types that are told each time: somebody waits for them. */
export const WITHOUT_COOLDOWN: readonly string[] = ["backup_success", "test_alert"];

/** Messages that wait at most, of one channel: what comes then is not worth the oldest, which tells how it began. */
const LONGEST_QUEUE = 1_000;

const NEW: TypeState = { failures: 0, successes: 0 };

/**
 * Takes what one look has found: opens and closes alerts, and writes the messages about them. What is not among the
 * findings was found well.
 *
 * Nothing is told twice within a cooldown: an alert that closes and opens again meanwhile waits for its end, so that
 * flapping costs one alert and one recovery in each.
 *
 * @param now milliseconds since 1970
 */
export function step(
  state: AlertsState,
  findings: readonly Finding[],
  policy: Policy,
  now: number,
): AlertsState {
  const silences = state.silences.filter(({ until }) => until > now);
  const byType = new Map(merged(findings).map((finding) => [finding.type, finding]));
  const types: Record<string, TypeState> = {};
  const due: { finding: Finding; kind: "alert" | "reminder" }[] = [];
  const closed: { type: string; given: readonly string[] }[] = [];
  for (const type of new Set([...Object.keys(state.types), ...byType.keys()])) {
    const before = state.types[type] ?? NEW;
    const finding = byType.get(type);
    const isSilent = silences.some((silence) => silence.type === undefined || silence.type === type);
    const after = finding === undefined ? better(before, policy) : worse(before, isSilent, policy, now);
    if (before.open !== undefined && after.open === undefined)
      closed.push({ type, given: before.open.given });
    const kind = finding === undefined || isSilent ? undefined : whatIsDue(after, policy, now);
    if (finding !== undefined && kind !== undefined) due.push({ finding, kind });
    if (!isForgotten(after, policy, now)) types[type] = after;
  }
  return withMessages({ ...state, silences, types }, due, closed, policy, now);
}

/** Findings of one type are one alert. */
function merged(findings: readonly Finding[]): Finding[] {
  return [...Map.groupBy(findings, ({ type }) => type).values()].flatMap((same) => {
    const [first] = same;
    return first === undefined
      ? []
      : [{ ...first, text: [...new Set(same.map(({ text }) => text))].join("; ") }];
  });
}

function worse(before: TypeState, isSilent: boolean, { openAfter }: Policy, now: number): TypeState {
  // What was taken away on purpose counts from the end of the silence.
  if (isSilent && before.open === undefined) return { ...before, failures: 0, successes: 0 };
  const failures = before.failures + 1;
  const open = before.open ?? (failures >= openAfter ? { since: now, given: [] } : undefined);
  return { ...before, failures, successes: 0, open };
}

function better(before: TypeState, { closeAfter }: Policy): TypeState {
  const successes = before.successes + 1;
  const open = successes >= closeAfter ? undefined : before.open;
  return { ...before, failures: 0, successes, open };
}

function whatIsDue(state: TypeState, policy: Policy, now: number): "alert" | "reminder" | undefined {
  if (state.open === undefined) return undefined;
  const last = lastTime(state);
  if (state.open.given.length === 0) return now - last >= policy.cooldown ? "alert" : undefined;
  return now - last >= Math.max(policy.remind, policy.cooldown) ? "reminder" : undefined;
}

function lastTime({ queuedAt, toldAt }: TypeState): number {
  return Math.max(queuedAt ?? Number.NEGATIVE_INFINITY, toldAt ?? Number.NEGATIVE_INFINITY);
}

/** A type that is well, and whose cooldown is over, is like one that was never found. */
function isForgotten(state: TypeState, { cooldown }: Policy, now: number): boolean {
  return state.open === undefined && state.failures === 0 && now - lastTime(state) >= cooldown;
}

/** One message for all that is due at once, to each channel that takes it; recoveries to those that heard of the alert. */
function withMessages(
  state: AlertsState,
  due: readonly { finding: Finding; kind: "alert" | "reminder" }[],
  closed: readonly { type: string; given: readonly string[] }[],
  { channels }: Policy,
  now: number,
): AlertsState {
  let next = state;
  const types = { ...state.types };
  for (const { name, takes } of channels) {
    const recovered = closed.filter(({ given }) => given.includes(name)).map(({ type }) => wellAgain(type));
    next = queued(next, name, "recovery", recovered, now);
    for (const kind of ["alert", "reminder"] as const) {
      const items = due
        .filter((one) => one.kind === kind && takes(one.finding))
        .map(({ finding }) => finding);
      // While Telegram is away a reminder says nothing that the alert before it does not say.
      const fresh = items.filter(({ type }) => kind === "alert" || !waits(state, name, type));
      next = queued(next, name, kind, fresh, now);
      for (const { type } of fresh) {
        const one = types[type];
        if (one?.open === undefined) continue;
        const given = [...new Set([...one.open.given, name])];
        types[type] = { ...one, queuedAt: now, open: { ...one.open, given } };
      }
    }
  }
  return { ...next, types };
}

function wellAgain(type: string): Finding {
  return { type, source: "health", level: "INFO", text: "well again" };
}

function waits({ queue }: AlertsState, channel: string, type: string): boolean {
  return queue.some(
    (message) => message.channel === channel && message.items.some((item) => item.type === type),
  );
}

function queued(
  state: AlertsState,
  channel: string,
  kind: Message["kind"],
  items: Finding[],
  at: number,
): AlertsState {
  if (items.length === 0) return state;
  if (state.queue.filter((message) => message.channel === channel).length >= LONGEST_QUEUE) return state;
  const message = { id: state.nextId, channel, at, kind, items };
  return { ...state, nextId: state.nextId + 1, queue: [...state.queue, message] };
}

/**
 * Takes something that a verb or a person tells once, which nobody looks at again.
 *
 * @returns the state, and why it is not told: a silence, or the cooldown of its type
 */
export function event(
  state: AlertsState,
  finding: Finding,
  policy: Policy,
  now: number,
): { state: AlertsState; heldBack: "silence" | "cooldown" | undefined } {
  const before = state.types[finding.type] ?? NEW;
  const isSilent = state.silences.some(
    ({ type, until }) => until > now && (type === undefined || type === finding.type),
  );
  if (isSilent) return { state, heldBack: "silence" };
  const free = WITHOUT_COOLDOWN.includes(finding.type);
  if (!free && now - lastTime(before) < policy.cooldown) return { state, heldBack: "cooldown" };
  let next = state;
  for (const { name, takes } of policy.channels) {
    if (takes(finding)) next = queued(next, name, "event", [finding], now);
  }
  const types = { ...next.types, [finding.type]: { ...before, queuedAt: now } };
  return { state: { ...next, types }, heldBack: undefined };
}

/** Takes a message off the queue that somebody has heard. */
export function delivered(state: AlertsState, id: number, now: number): AlertsState {
  const message = state.queue.find((one) => one.id === id);
  if (message === undefined) return state;
  const types = { ...state.types };
  if (message.kind !== "recovery") {
    for (const { type } of message.items) types[type] = { ...(types[type] ?? NEW), toldAt: now };
  }
  return { ...state, types, queue: state.queue.filter((one) => one.id !== id) };
}

/** Ends the cooldown of a type: what is still open is told at the next look. */
export function clear(state: AlertsState, type: string): AlertsState {
  const before = state.types[type];
  if (before === undefined) return state;
  return {
    ...state,
    types: { ...state.types, [type]: { ...before, queuedAt: undefined, toldAt: undefined } },
  };
}

/** Declares a time in which a type, or everything, is not told. One of the same declarer takes the place of the former. */
export function silence(
  state: AlertsState,
  { type, until, by }: AlertsState["silences"][number],
): AlertsState {
  const others = state.silences.filter((one) => one.type !== type || one.by !== by);
  return { ...state, silences: [...others, { type, until, by }] };
}
