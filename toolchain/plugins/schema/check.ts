import type { CheckResult } from "../protocol/resource.ts";
import { failure } from "../protocol/resource.ts";
import { isProperties, isUnknown, type Properties, type Value } from "../protocol/value.ts";
import { DURATION } from "./duration.ts";
import { parsedJson } from "./json.ts";
import type { Field, Fields, Kind, Schema } from "./schema.ts";

/**
 * Reports everything in `given` that the schema does not take, and fills in the defaults.
 *
 * @param owner how the texts name the plugin and resource, e.g. `docker Container`
 */
export function checkInputs(schema: Schema, given: Properties, owner: string): CheckResult {
  const found: string[] = [];
  const inputs = checkFields(schema, given, "", owner, found);
  return { inputs, failures: found.map(failure) };
}

function checkFields(
  fields: Fields,
  given: Properties,
  at: string,
  owner: string,
  found: string[],
): Properties {
  const checked: Properties = {};
  for (const [name, value] of Object.entries(given)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const path = `${at}${name}`;
    // The official plugins keep notes of their own under such names in states they wrote.
    if (value === null || name.startsWith("__")) continue;
    if (field === undefined) {
      found.push(`"${path}": ${owner} has no such property.`);
    } else if (field.unimplemented) {
      found.push(`"${path}": not implemented by this stand-in for the official plugin (${owner}).`);
    } else if (field.only !== undefined && !isUnknown(value) && value !== field.only) {
      found.push(`"${path}": only ${JSON.stringify(field.only)} is implemented by this stand-in (${owner}).`);
    } else {
      checked[name] = checkValue(field.kind, value, path, owner, found);
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (checked[name] !== undefined) continue;
    if (field.default !== undefined) checked[name] = field.default;
    else if (field.required && isAbsent(given[name])) found.push(`"${at}${name}": required, but not given.`);
  }
  return checked;
}

function checkValue(kind: Kind, value: Value, path: string, owner: string, found: string[]): Value {
  if (isUnknown(value) || kind.type === "anything") return value;
  switch (kind.type) {
    case "text":
      if (typeof value !== "string") found.push(`"${path}": must be a string.`);
      else if (kind.allowed?.pattern.test(value) === false)
        found.push(`"${path}": must be ${kind.allowed.hint}.`);
      return value;
    case "json":
      if (typeof value !== "string" || parsedJson(value) === undefined)
        found.push(`"${path}": must be JSON text.`);
      return value;
    case "duration":
      if (typeof value !== "string" || !DURATION.test(value))
        found.push(`"${path}": must be a duration such as 90s, 5m or 1h30m.`);
      return value;
    case "integer":
      if (!Number.isInteger(value)) found.push(`"${path}": must be a whole number.`);
      else if (kind.least !== undefined && Number(value) < kind.least)
        found.push(`"${path}": must be ${kind.least} or more.`);
      return value;
    case "flag":
      if (typeof value !== "boolean") found.push(`"${path}": must be true or false.`);
      return value;
    case "list":
    case "set":
      if (Array.isArray(value))
        return value.map((element, index) => checkValue(kind.of, element, `${path}[${index}]`, owner, found));
      found.push(`"${path}": must be a list.`);
      return value;
    case "map":
      if (isProperties(value))
        return Object.fromEntries(
          Object.entries(value).map(([key, element]) => [
            key,
            checkValue(kind.of, element, `${path}["${key}"]`, owner, found),
          ]),
        );
      found.push(`"${path}": must be a map.`);
      return value;
    case "record":
      if (isProperties(value)) return checkFields(kind.fields, value, `${path}.`, owner, found);
      found.push(`"${path}": must be an object.`);
      return value;
  }
}

function isAbsent(value: Field["default"]): boolean {
  return value === undefined || value === null;
}
