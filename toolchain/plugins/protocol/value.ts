/**
 * Property values as the Pulumi engine sends them: plain data, plus values that are not known yet (preview) and values
 * that are secret. Handlers of resources work on plain `Value`s; secrets exist at the border only, where `reveal`
 * takes the marks off and `markLike` puts them back.
 */

/** A value that will be known only when another resource has been made. */
class Unknown {
  toJSON(): string {
    return "<unknown>";
  }
}

export const UNKNOWN: Unknown = Object.freeze(new Unknown());

export class Secret {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

export type Value = null | boolean | number | string | Unknown | Value[] | Properties;
export interface Properties {
  [name: string]: Value;
}

/** A value of which any part may be secret. */
export type Marked = null | boolean | number | string | Unknown | Secret | Marked[] | MarkedProperties;
export interface MarkedProperties {
  [name: string]: Marked;
}

/** What a protobuf Struct holds. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

// The engine's encoding of what JSON cannot say: sdk/go/common/resource/plugin/rpc.go, sdk/go/common/resource/sig.
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWNS: ReadonlySet<string> = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

export function isUnknown(value: unknown): value is Unknown {
  return value === UNKNOWN;
}

export function isProperties(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isUnknown(value);
}

export function containsUnknown(value: Value | undefined): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isProperties(value) && Object.values(value).some(containsUnknown);
}

export function containsSecret(value: Marked | undefined): boolean {
  if (value instanceof Secret) return true;
  if (Array.isArray(value)) return value.some(containsSecret);
  return isMarkedProperties(value) && Object.values(value).some(containsSecret);
}

/** The secret texts inside a value; used to keep them out of messages. */
export function secretTexts(value: Marked | undefined, inSecret = false): string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (typeof value === "string") return inSecret ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((element) => secretTexts(element, inSecret));
  if (!isMarkedProperties(value)) return [];
  return Object.values(value).flatMap((element) => secretTexts(element, inSecret));
}

export function decode(json: Json): Marked {
  if (typeof json === "string") return UNKNOWNS.has(json) ? UNKNOWN : json;
  if (Array.isArray(json)) return json.map(decode);
  if (typeof json !== "object" || json === null) return json;
  if (json[SIGNATURE] === SECRET_SIGNATURE) return new Secret(reveal(decode(json.value ?? null)));
  return decodeProperties(json);
}

export function decodeProperties(json: { [name: string]: Json }): MarkedProperties {
  return mapValues(json, decode);
}

export function encode(value: Marked): Json {
  if (isUnknown(value)) return UNKNOWN_STRING;
  if (value instanceof Secret) return { [SIGNATURE]: SECRET_SIGNATURE, value: encode(value.value) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== "object" || value === null) return value;
  return encodeProperties(value as MarkedProperties);
}

export function encodeProperties(properties: MarkedProperties): { [name: string]: Json } {
  return mapValues(properties, encode);
}

/** The plain value under the secret marks. */
export function reveal(value: Marked): Value {
  if (value instanceof Secret) return value.value;
  if (Array.isArray(value)) return value.map(reveal);
  return isMarkedProperties(value) ? revealProperties(value) : (value as Value);
}

export function revealProperties(properties: MarkedProperties): Properties {
  return mapValues(properties, reveal);
}

/**
 * `outputs` with everything secret whose counterpart in `inputs` is secret, or holds a secret in a list: the engine's
 * own rule for providers that know nothing of secrets.
 */
export function markLike(outputs: MarkedProperties, inputs: MarkedProperties): MarkedProperties {
  const marked = { ...outputs };
  for (const [name, input] of Object.entries(inputs)) {
    const output = marked[name];
    if (output === undefined || output instanceof Secret) continue;
    if (isMarkedProperties(output) && isMarkedProperties(input)) marked[name] = markLike(output, input);
    else if (containsSecret(input)) marked[name] = new Secret(reveal(output));
  }
  return marked;
}

function isMarkedProperties(value: Marked | undefined): value is MarkedProperties {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !isUnknown(value) &&
    !(value instanceof Secret)
  );
}

function mapValues<From, To>(
  properties: { [name: string]: From },
  convert: (value: From) => To,
): { [name: string]: To } {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, convert(value)]));
}
