import type { Value } from "../protocol/value.ts";

/** The shape of a property's value. */
export type Kind =
  | { type: "text"; allowed?: { pattern: RegExp; hint: string } }
  | { type: "integer"; least?: number }
  | { type: "flag" }
  | { type: "anything" }
  /** Text that is JSON; `settled` drops what the service adds by itself, so that it does not count as a change. */
  | { type: "json"; settled: (value: Value) => Value }
  /** Text such as `90s`, which says the same as `1m30s`. */
  | { type: "duration" }
  | { type: "list"; of: Kind }
  /** A list whose order says nothing. */
  | { type: "set"; of: Kind }
  | { type: "map"; of: Kind }
  | { type: "record"; fields: Fields };

export interface Field {
  kind: Kind;
  required?: true;
  /** Recorded in the inputs when the program gives none. */
  default?: Value;
  /** Decided by Docker when the program gives none: then any value in the state is right. */
  computed?: true;
  /** A known property that these plugins refuse. */
  unimplemented?: true;
  /** The one value that is implemented. */
  only?: Value;
}

export type Fields = Readonly<Record<string, Field>>;

export interface Property extends Field {
  onChange: "replace" | "update";
  /** What the state shows when there is none; undefined: nothing. */
  absent: Value | undefined;
  /** What it shows after a refresh, where the official plugin then shows something else. */
  refreshed?: Value;
}

/** All inputs of a resource type, those included that are refused. */
export type Schema = Readonly<Record<string, Property>>;

export const text = (allowed?: { pattern: RegExp; hint: string }): Kind =>
  allowed === undefined ? { type: "text" } : { type: "text", allowed };
export const oneOf = (...values: string[]): Kind =>
  text({ pattern: new RegExp(`^(${values.join("|")})$`), hint: `one of ${values.join(", ")}` });
export const integer = (least?: number): Kind =>
  least === undefined ? { type: "integer" } : { type: "integer", least };
export const flag = (): Kind => ({ type: "flag" });
export const anything = (): Kind => ({ type: "anything" });
export const json = (settled: (value: Value) => Value = (value) => value): Kind => ({
  type: "json",
  settled,
});
export const duration = (): Kind => ({ type: "duration" });
export const list = (of: Kind): Kind => ({ type: "list", of });
export const set = (of: Kind): Kind => ({ type: "set", of });
export const map = (of: Kind): Kind => ({ type: "map", of });
export const record = (fields: Fields): Kind => ({ type: "record", fields });

/** A property whose change makes a new resource. */
export function replaced(kind: Kind, options: Partial<Property> = {}): Property {
  return { kind, onChange: "replace", absent: absentOf(kind), ...options };
}

/** A property whose change is applied to the resource that exists. */
export function updated(kind: Kind, options: Partial<Property> = {}): Property {
  return { kind, onChange: "update", absent: absentOf(kind), ...options };
}

/** A property of the official plugin that is refused here; the state shows it as the official plugin does. */
export function refused(absent?: Value, refreshed?: Value): Property {
  const shown = refreshed === undefined ? { absent } : { absent, refreshed };
  return { kind: anything(), onChange: "replace", unimplemented: true, ...shown };
}

/** How the official docker plugin shows a value that was not given. */
export function absentOf(kind: Kind): Value {
  if (kind.type === "text" || kind.type === "json" || kind.type === "duration") return "";
  return kind.type === "list" || kind.type === "set" ? [] : null;
}
