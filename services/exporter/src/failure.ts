import { Malformed } from "./exposition.ts";

/** Why a part of a scrape failed, in few enough words for a label. */
export const REASONS = ["timeout", "unreachable", "unauthorized", "malformed", "missing", "other"] as const;

export type Reason = (typeof REASONS)[number];

/** A secret file that is not there, cannot be read or is empty. */
export class UnusableSecret extends Error {
  override name = "UnusableSecret";
}

/** SQLSTATE codes and classes of PostgreSQL, error codes of Neo4j and of the operating system. */
const CODES: readonly [RegExp, Reason][] = [
  [/^(57014|55P03|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, "timeout"],
  [/^(28\w{3}|42501|Neo\.ClientError\.Security\..*)$/, "unauthorized"],
  [
    /^(08\w{3}|57P0\d|E(CONN|HOST|NET|PIPE|AI_)\w*|ENOTFOUND|UND_ERR_SOCKET|ServiceUnavailable|SessionExpired)$/,
    "unreachable",
  ],
  [/^(42P01|3D000|ENOENT)$/, "missing"],
];

/** The reason behind an error of any of the drivers. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof Malformed) return "malformed";
  if (error instanceof UnusableSecret) return "unauthorized";
  for (const link of chain(error)) {
    const { code, name, message } = link as Partial<Record<"code" | "name" | "message", unknown>>;
    const known = CODES.find(([pattern]) => typeof code === "string" && pattern.test(code));
    if (known !== undefined) return known[1];
    if (name === "TimeoutError" || name === "AbortError") return "timeout";
    if (/time(d )?-?out/i.test(String(message))) return "timeout";
    if (/connection terminated|closed the connection/i.test(String(message))) return "unreachable";
  }
  return "other";
}

/** What happened, in one line: the innermost cause, which the drivers wrap in errors of their own. */
export function describe(error: unknown): string {
  const links = chain(error);
  const last = links.at(-1);
  const message = last instanceof Error ? last.message : String(last);
  const code = (last as { code?: unknown }).code;
  // Neo4j's driver puts a page of advice before what happened.
  const happened = message.split("Caused by: ").at(-1) ?? message;
  return typeof code === "string" && !happened.includes(code) ? `${happened} (${code})` : happened;
}

function chain(error: unknown): unknown[] {
  const links = [error];
  for (let next = causeOf(error); next !== undefined && links.length < 8; next = causeOf(next))
    links.push(next);
  return links;
}

function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors[0];
  return error.cause ?? undefined;
}
