import neo4j, {
  DateTime,
  Duration,
  Date as GraphDate,
  isInt,
  LocalDateTime,
  LocalTime,
  Point,
  Time,
} from "neo4j-driver-lite";
import { z } from "zod";

/**
 * The graph as JSON lines, without loss: a header, then nodes, then relationships, at last the counts, without which a
 * file is not whole. Ids are of the file only.
 *
 * Values: text, booleans and null as JSON has them; a JSON number is always a float; all else is an object with one
 * key, `$int` (decimal text), `$float` (NaN, infinities and -0), `$f32` and `$f64` (lists of floats as base64,
 * little-endian), `$datetime`, `$localdatetime`, `$date`, `$time`, `$localtime` (ISO 8601), `$duration`
 * (months, days, seconds, nanoseconds), `$point`.
 */
export type GraphLine =
  | { type: "header"; format: 1; constraints: string[]; indexes: string[] }
  | { type: "node"; id: string; labels: string[]; properties: Record<string, Encoded> }
  | {
      type: "relationship";
      start: string;
      end: string;
      kind: string;
      properties: Record<string, Encoded>;
    }
  | { type: "end"; nodes: number; relationships: number };

const ID = /:(\d{1,15})$/;

const text = z.string();
const name = text.min(1).max(16_383);
const id = text.regex(ID);
const properties = z.custom<Record<string, Encoded>>(
  (given) => typeof given === "object" && given !== null && !Array.isArray(given),
);
const statements = z.array(text);
const lineSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("header"), format: z.literal(1), constraints: statements, indexes: statements }),
  z.object({ type: z.literal("node"), id, labels: z.array(name).max(100), properties }),
  z.object({ type: z.literal("relationship"), start: id, end: id, kind: name, properties }),
  z.object({ type: z.literal("end"), nodes: z.int().min(0), relationships: z.int().min(0) }),
]);

/**
 * Reads a line.
 *
 * @param given undefined when its bytes are no text
 * @returns the line, or what is wrong with it
 */
export function parseGraphLine(given: string | undefined): GraphLine | string {
  if (given === undefined) return "is not UTF-8";
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    return "is not JSON";
  }
  const line = lineSchema.safeParse(value);
  if (line.success) return line.data;
  const [issue] = line.error.issues;
  return `is no line of a graph: ${issue?.path.join(".")}: ${issue?.message}`;
}

export type Encoded = null | boolean | number | string | Encoded[] | { [key: string]: Encoded };

/** Lists of floats from this length on are packed: an embedding is a quarter of its size as text. */
const PACK_FROM = 16;

/** A property of Neo4j as it stands in a line. */
export function encodeValue(value: unknown): Encoded {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return isJsonNumber(value) ? value : { $float: asText(value) };
  if (isInt(value)) return { $int: value.toString() };
  if (Array.isArray(value)) return isPackable(value) ? pack(value) : value.map(encodeValue);
  for (const [key, type] of TEMPORAL) if (value instanceof type) return { [key]: value.toString() };
  if (value instanceof Duration) {
    const { months, days, seconds, nanoseconds } = value;
    return { $duration: [months, days, seconds, nanoseconds].map(String) };
  }
  if (value instanceof Point) {
    const { srid, x, y, z } = value;
    return { $point: { srid: srid.toString(), x, y, ...(z === undefined ? {} : { z }) } };
  }
  throw new Error(
    `a property of a type that Neo4j is not known to store: ${Object.prototype.toString.call(value)}`,
  );
}

/** JSON has neither infinities nor NaN, and its writer takes the sign from -0. */
function isJsonNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function asText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The property that `encodeValue` was given, for use as a parameter of a query. */
export function decodeValue(value: Encoded): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decodeValue);
  const [[key, content] = ["", null]] = Object.entries(value);
  switch (key) {
    case "$int":
      return neo4j.int(String(content));
    case "$float":
      return Number(content);
    case "$f32":
      return unpack(String(content), 4);
    case "$f64":
      return unpack(String(content), 8);
    case "$duration": {
      const [months, days, seconds, nanoseconds] = (content as string[]).map((field) => neo4j.int(field));
      return new Duration(months ?? 0, days ?? 0, seconds ?? 0, nanoseconds ?? 0);
    }
    case "$point": {
      const { srid, x, y, z } = content as unknown as { srid: string; x: number; y: number; z?: number };
      return new Point(neo4j.int(srid), x, y, z);
    }
    default: {
      const parse = PARSERS[key];
      if (parse === undefined) throw new Error(`unknown kind of value: ${key}`);
      return parse(String(content));
    }
  }
}

const TEMPORAL = [
  ["$datetime", DateTime],
  ["$localdatetime", LocalDateTime],
  ["$date", GraphDate],
  ["$time", Time],
  ["$localtime", LocalTime],
] as const;

const PARSERS: Record<string, (text: string) => unknown> = {
  $datetime: parseDateTime,
  $localdatetime: (text) => {
    const [date = "", time = ""] = text.split("T");
    return new LocalDateTime(...dateFields(date), ...clockFields(time));
  },
  $date: (text) => new GraphDate(...dateFields(text)),
  $time: (text) => {
    const [clock, zone] = splitOffset(text);
    return new Time(...clockFields(clock), offsetSeconds(zone));
  },
  $localtime: (text) => new LocalTime(...clockFields(text)),
};

type DateFields = [year: number, month: number, day: number];
type ClockFields = [hour: number, minute: number, second: number, nanosecond: number];

function parseDateTime(text: string): DateTime<number> {
  const zoneId = /\[(.+)\]$/.exec(text)?.[1];
  const [date = "", rest = ""] = text.replace(/\[.+\]$/, "").split("T");
  const [clock, zone] = splitOffset(rest);
  const offset = zone === "" ? undefined : offsetSeconds(zone);
  return new DateTime(...dateFields(date), ...clockFields(clock), offset, zoneId);
}

function dateFields(text: string): DateFields {
  const [, year, month, day] = /^([+-]?\d+)-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return [Number(year), Number(month), Number(day)];
}

function clockFields(text: string): ClockFields {
  const [, hour, minute, second, fraction = ""] = /^(\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/.exec(text) ?? [];
  return [Number(hour), Number(minute), Number(second), Number(fraction.padEnd(9, "0"))];
}

function splitOffset(text: string): [clock: string, zone: string] {
  const at = text.search(/[Z+-]/);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

function offsetSeconds(zone: string): number {
  if (zone === "Z") return 0;
  const [, sign, hours, minutes, seconds = "0"] = /^([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}

function isPackable(values: unknown[]): values is number[] {
  return values.length >= PACK_FROM && values.every((value) => typeof value === "number");
}

/** In 4 bytes each where nothing is lost by it, as with embeddings. */
function pack(values: number[]): Encoded {
  const single = Float32Array.from(values);
  if (values.every((value, index) => Object.is(value, single[index]))) return { $f32: base64(single) };
  return { $f64: base64(Float64Array.from(values)) };
}

// Every machine that Node runs on is little-endian.
function base64({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function unpack(text: string, size: 4 | 8): number[] {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return Array.from(size === 4 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer));
}
