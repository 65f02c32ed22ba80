import { isProperties, isUnknown, type Properties, UNKNOWN, type Value } from "../protocol/value.ts";
import { isEmpty, same } from "./compare.ts";
import { absentOf, type Kind, type Schema } from "./schema.ts";

/** `inputs` as the official plugin shows them in the state: every property, every field, with what stands for nothing. */
export function stateOf(schema: Schema, inputs: Properties): Properties {
  const state: Properties = {};
  for (const [name, property] of Object.entries(schema)) {
    const value = inputs[name];
    const shown = value === undefined || value === null ? property.absent : complete(property.kind, value);
    if (shown !== undefined) state[name] = shown;
  }
  return state;
}

/**
 * A state as a refresh by the official docker plugin leaves it. What nobody gave is null after a creation as far as it
 * is a number, a flag, a map or a set without a default; a refresh shows the zero of its kind in its place, inside of
 * records always and elsewhere where the schema says so.
 */
export function refreshedState(schema: Schema, state: Properties): Properties {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      const property = schema[name];
      if (property === undefined) return [name, value];
      return [name, value === null ? (property.refreshed ?? null) : withZeros(property.kind, value)];
    }),
  );
}

function withZeros(kind: Kind, value: Value): Value {
  if ((kind.type === "list" || kind.type === "set") && Array.isArray(value)) {
    return value.map((element) => withZeros(kind.of, element));
  }
  if (kind.type !== "record" || !isProperties(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, element]) => {
      const field = kind.fields[name];
      if (field === undefined) return [name, element];
      return [name, element === null ? zeroOf(field.kind) : withZeros(field.kind, element)];
    }),
  );
}

function zeroOf(kind: Kind): Value {
  if (kind.type === "integer") return 0;
  if (kind.type === "flag") return false;
  return kind.type === "map" ? {} : absentOf(kind);
}

/** The state that a preview of a creation foresees: what Docker decides is unknown. */
export function plannedState(schema: Schema, inputs: Properties, outputs: readonly string[]): Properties {
  const state = stateOf(schema, inputs);
  for (const [name, property] of Object.entries(schema)) {
    if (property.computed && isEmpty(inputs[name])) state[name] = UNKNOWN;
  }
  for (const name of outputs) state[name] = UNKNOWN;
  return state;
}

/** The inputs after a refresh: those of the program, except where the world has moved away from the old state. */
export function refreshedInputs(
  schema: Schema,
  inputs: Properties,
  oldState: Properties,
  newState: Properties,
): Properties {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const property = schema[name];
      const now = newState[name];
      const moved = property !== undefined && now !== undefined && !same(property.kind, oldState[name], now);
      return [name, moved ? now : value];
    }),
  );
}

/** The inputs that describe an imported resource: those that say something and that are taken here. */
export function importedInputs(schema: Schema, state: Properties): Properties {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([name, property]) => {
      const value = state[name];
      return property.unimplemented || value === undefined || isEmpty(value) ? [] : [[name, value]];
    }),
  );
}

function complete(kind: Kind, value: Value): Value {
  if (isUnknown(value)) return value;
  if ((kind.type === "list" || kind.type === "set") && Array.isArray(value)) {
    return value.map((element) => complete(kind.of, element));
  }
  if (kind.type !== "record" || !isProperties(value)) return value;
  return Object.fromEntries(
    Object.entries(kind.fields).map(([name, field]) => {
      const given = value[name];
      const absent = given === undefined || given === null;
      return [name, absent ? (field.only ?? absentOf(field.kind)) : complete(field.kind, given)];
    }),
  );
}
