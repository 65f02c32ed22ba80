import type { Properties, Value } from "../protocol/value.ts";
import { recordsOf } from "../schema/read-value.ts";
import { record, set, text } from "../schema/schema.ts";

/** Labels are a list of `{label, value}` in these resources, a map in Docker. */
export const LABELS = set(
  record({ label: { kind: text(), required: true }, value: { kind: text(), required: true } }),
);

export function labelMap(labels: Value | undefined): Record<string, string> {
  return Object.fromEntries(
    recordsOf(labels).map(({ label, value }) => [String(label), String(value ?? "")]),
  );
}

export function labelList(labels: Record<string, string> | null | undefined): Properties[] {
  return Object.entries(labels ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([label, value]) => ({ label, value }));
}
