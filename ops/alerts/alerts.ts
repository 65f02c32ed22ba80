import { ALERTS } from "../../config/manifest.ts";
import type { HealthCheck } from "../health/health-check.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { type Channel, channelsOf } from "./channels.ts";
import { event, silence, step } from "./core.ts";
import { deliver, type Undelivered } from "./deliver.ts";
import { fromHealth, fromPrometheus, together } from "./sources.ts";
import type { Finding, Policy } from "./state.ts";
import { AlertStore } from "./store.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** How a stack tells its alerts. */
export function policyOf({ manifest }: DeployedStack, channels: readonly Channel[]): Policy {
  const { cooldownSeconds, remindHours, openAfter, closeAfter } = manifest.alerts ?? ALERTS;
  return { cooldown: cooldownSeconds * SECOND, remind: remindHours * HOUR, openAfter, closeAfter, channels };
}

/** Takes what health and Prometheus have found, and tells those whom the settings name. */
export async function tellFindings(
  stack: DeployedStack,
  checks: readonly HealthCheck[],
): Promise<Undelivered[]> {
  const [store, channels] = [new AlertStore(stack.directory), channelsOf(stack)];
  const findings = together(fromHealth(checks), await fromPrometheus(stack.manifest));
  return store.alone(async () => {
    store.change((state) => step(state, findings, policyOf(stack, channels), Date.now()));
    return deliver(store, channels, Date.now);
  });
}

/** What became of something that was to be told once. */
export interface Told {
  /** Whom it was told, or will be. */
  channels: string[];
  heldBack: "silence" | "cooldown" | undefined;
  undelivered: Undelivered[];
}

/** Tells something once: a verb's result, or a person's words. */
export async function tellEvent(stack: DeployedStack, finding: Finding): Promise<Told> {
  const [store, channels] = [new AlertStore(stack.directory), channelsOf(stack)];
  return store.alone(async () => {
    let heldBack: Told["heldBack"];
    store.change((state) => {
      const taken = event(state, finding, policyOf(stack, channels), Date.now());
      heldBack = taken.heldBack;
      return taken.state;
    });
    const undelivered = await deliver(store, channels, Date.now);
    const named = channels.filter(({ takes }) => takes(finding)).map(({ name }) => name);
    return { channels: heldBack === undefined ? named : [], heldBack, undelivered };
  });
}

/** Declares that a type, or everything, is not told for so long. */
export async function declareSilence(
  stack: DeployedStack,
  { type, ms, by }: { type?: string | undefined; ms: number; by: string },
): Promise<void> {
  const store = new AlertStore(stack.directory);
  await store.alone(async () => {
    store.change((state) => silence(state, { type, until: Date.now() + ms, by }));
  });
}

/** Ends every silence. */
export async function liftSilences(stack: DeployedStack): Promise<void> {
  const store = new AlertStore(stack.directory);
  await store.alone(async () => {
    store.change((state) => ({ ...state, silences: [] }));
  });
}
