import { z } from "zod";

/** One call of the API, its login already checked. */
export interface ApiRequest {
  /** Parts of the path that the route names. */
  parameters: Readonly<Record<string, string>>;
  query: URLSearchParams;
  body: unknown;
  /** What an object that is changed by this call is marked with: `api`, or nothing when the caller says so. */
  provenance: string;
}

export interface Answer {
  status?: number;
  body?: unknown;
}

/** `METHOD /path/:parameter` with what answers it. */
export type Routes = Readonly<Record<string, (request: ApiRequest) => Answer>>;

/** An answer that says no, as Grafana words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly more: object;
  constructor(status: number, message: string, more: object = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }
}

/**
 * The body as `schema` has it. Grafana passes over fields that it does not know; here they are refused, since nobody
 * means to send what is not read.
 */
export function bodyOf<Schema extends z.ZodType>(schema: Schema, { body }: ApiRequest): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Refusal(400, `bad request data: ${z.prettifyError(parsed.error)}`);
}

/** Grafana's rules for a uid: pkg/util/shortid_generator.go. */
export function requireUid(uid: string): void {
  if (uid.length > 40) throw new Refusal(400, "uid too long, max 40 characters");
  if (!/^[a-zA-Z0-9_-]*$/.test(uid)) throw new Refusal(400, "uid contains illegal characters");
}

const UNITS: Readonly<Record<string, number>> = {
  w: 604_800,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
};

/** A duration as Prometheus prints it: `90s` becomes `1m30s`, `24h` becomes `1d`. */
export function canonicalDuration(text: string): string {
  if (!/^(0|(\d+[wdhms])+)$/.test(text)) throw new Refusal(400, `not a valid duration string: "${text}"`);
  let seconds = 0;
  for (const [, amount = "0", unit = "s"] of text.matchAll(/(\d+)([wdhms])/g)) {
    seconds += Number(amount) * (UNITS[unit] ?? 0);
  }
  if (seconds === 0) return "0s";
  let rest = seconds;
  return Object.entries(UNITS)
    .map(([unit, size]) => {
      // Weeks and days only when they say all of it.
      if ((unit === "w" || unit === "d") && rest % size !== 0) return "";
      const amount = Math.floor(rest / size);
      rest -= amount * size;
      return amount === 0 ? "" : `${amount}${unit}`;
    })
    .join("");
}

export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
