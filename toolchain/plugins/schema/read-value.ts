import { isProperties, type Properties, type Value } from "../protocol/value.ts";

/** Readers of checked properties: what is absent becomes undefined or empty. */

export function textOf(value: Value | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberOf(value: Value | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function textsOf(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];
}

export function recordsOf(value: Value | undefined): Properties[] {
  return Array.isArray(value) ? value.filter(isProperties) : [];
}

export function textMapOf(value: Value | undefined): Record<string, string> {
  if (!isProperties(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, String(element ?? "")]));
}

export function propertiesOf(value: Value | undefined): Properties {
  return isProperties(value) ? value : {};
}
