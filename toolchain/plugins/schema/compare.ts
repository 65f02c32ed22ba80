import type { Change } from "../protocol/resource.ts";
import { containsUnknown, isProperties, isUnknown, type Properties, type Value } from "../protocol/value.ts";
import { parseDuration } from "./duration.ts";
import { settledJson } from "./json.ts";
import { propertiesOf, textOf } from "./read-value.ts";
import type { Field, Kind, Schema } from "./schema.ts";

/** What has to change so that a resource in `state` becomes what `inputs` ask for. */
export function changesOf(schema: Schema, state: Properties, inputs: Properties): Change[] {
  return Object.entries(schema).flatMap(([property, definition]): Change[] => {
    const have = state[property];
    const want = inputs[property];
    if (definition.unimplemented || sameField(definition, have, want)) return [];
    const kind = isEmpty(have) ? "add" : isEmpty(want) ? "delete" : "update";
    return [{ property, kind, replace: definition.onChange === "replace" }];
  });
}

/**
 * Whether `have`, as the state shows it, is what `want` asks for. An absent value and the empty one of its kind are
 * the same; what is not known yet is never the same.
 */
export function same(kind: Kind, have: Value | undefined, want: Value | undefined): boolean {
  if (containsUnknown(want)) return false;
  if (isEmpty(have) && isEmpty(want)) return true;
  switch (kind.type) {
    case "text":
    case "integer":
    case "flag":
      return have === want;
    case "json":
      return sameAnything(settledJson(kind.settled, have), settledJson(kind.settled, want));
    case "duration":
      return parseDuration(textOf(have)) === parseDuration(textOf(want));
    case "anything":
      return sameAnything(have, want);
    case "list":
      return sameList(kind.of, elements(have), elements(want));
    case "set":
      return sameSet(kind.of, elements(have), elements(want));
    case "map": {
      const [left, right] = [propertiesOf(have), propertiesOf(want)];
      return keysOf(left, right).every((key) => same(kind.of, left[key], right[key]));
    }
    case "record": {
      const [left, right] = [propertiesOf(have), propertiesOf(want)];
      return Object.entries(kind.fields).every(([name, field]) => sameField(field, left[name], right[name]));
    }
  }
}

function sameField(field: Field, have: Value | undefined, want: Value | undefined): boolean {
  // Not given, or given as the empty text: Docker decides. An empty list or a `false` is a wish like any other.
  if (field.computed && (want === undefined || want === null || want === "")) return true;
  return same(field.kind, have, want);
}

function sameAnything(have: Value | undefined, want: Value | undefined): boolean {
  if (Array.isArray(have) && Array.isArray(want)) return sameList({ type: "anything" }, have, want);
  if (isProperties(have) && isProperties(want)) {
    return keysOf(have, want).every((key) => sameAnything(have[key], want[key]));
  }
  return have === want;
}

function sameList(of: Kind, have: Value[], want: Value[]): boolean {
  return have.length === want.length && have.every((element, index) => same(of, element, want[index]));
}

function sameSet(of: Kind, have: Value[], want: Value[]): boolean {
  if (have.length !== want.length) return false;
  const left = [...have];
  return want.every((element) => {
    const index = left.findIndex((candidate) => same(of, candidate, element));
    if (index < 0) return false;
    left.splice(index, 1);
    return true;
  });
}

/** Nothing, or the empty value of any kind, also deep inside. */
export function isEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true;
  if (isUnknown(value)) return false;
  if (Array.isArray(value)) return value.length === 0;
  return isProperties(value) && Object.values(value).every(isEmpty);
}

function elements(value: Value | undefined): Value[] {
  return Array.isArray(value) ? value : [];
}

function keysOf(left: Properties, right: Properties): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])];
}
