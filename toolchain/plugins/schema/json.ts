import type { Value } from "../protocol/value.ts";

/** What a text says as JSON; undefined when it is none. */
export function parsedJson(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

/** What counts of a JSON text; a text that is no JSON counts as it is. */
export function settledJson(settled: (value: Value) => Value, text: Value | undefined): Value | undefined {
  const value = typeof text === "string" ? parsedJson(text) : undefined;
  return value === undefined ? text : settled(value);
}
