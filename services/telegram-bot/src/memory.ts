import { Agent, request as httpRequest } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { z } from "zod";
import { readSecret } from "../../exporter/src/secret.ts";

/** Why the memory server did not do what it was asked for, though it may later. */
export const SERVER_FAULTS = [
  "unreachable",
  "timeout",
  "unavailable",
  "busy",
  "model",
  "key",
  "error",
  "malformed",
] as const;

export type ServerReason = (typeof SERVER_FAULTS)[number];

/** Nothing was done, or it is not known whether: the same may be asked again. */
export class NotNow extends Error {
  override name = "NotNow";
  readonly reason: ServerReason;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(reason: ServerReason, detail: string, retryAfter?: number) {
    super(detail);
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** The server understood and will not do it, however often it is asked. The message is for the person. */
export class Refused extends Error {
  override name = "Refused";
}

const memory = z.object({
  id: z.string(),
  memory: z.string(),
  user_id: z.string().nullish(),
  created_at: z.string().nullish(),
  updated_at: z.string().nullish(),
});
const added = z.object({
  results: z.array(z.object({ id: z.string(), memory: z.string(), event: z.string() })),
});
const found = z.object({ results: z.array(memory.extend({ similarity: z.number() })) });
const page = z.object({ results: z.array(memory), total: z.number() });
const readiness = z.object({
  ready: z.boolean(),
  waiting_for: z.string().optional(),
  checks: z.record(z.string(), z.object({ ok: z.boolean() })).default({}),
});
/** The server's errors are RFC 9457 problem documents. */
const problem = z.object({ title: z.string(), detail: z.string().optional() });

export type Memory = z.output<typeof memory>;
export type Changes = z.output<typeof added>["results"];
export type Found = z.output<typeof found>["results"];

/** Time beyond the server's own limit: a request may wait for another before it. */
const MARGIN_MS = 30_000;
const ASK_MS = 10_000;

interface Request {
  method: "GET" | "POST" | "DELETE";
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
  /** A status that is an answer here, though it is an error elsewhere. */
  accepts?: number;
}

export interface MemoryAccess {
  serverUrl: string;
  addSeconds: number;
  apiKeyFile: string;
}

/** The stack's memory server. Every call raises NotNow or Refused, and nothing else. */
export class MemoryServer {
  readonly #access: MemoryAccess;
  // Not fetch(): its own parser and streams would take a tenth of the bot's memory.
  readonly #agent = new Agent({ keepAlive: true });

  constructor(access: MemoryAccess) {
    this.#access = access;
  }

  /** @param key the same for a repeat, which then stores nothing again */
  async remember(text: string, user: string, key: string): Promise<Changes> {
    const body = { messages: [{ role: "user", content: text }], user_id: user };
    const timeoutMs = this.#access.addSeconds * 1000 + MARGIN_MS;
    const headers = { "Idempotency-Key": key };
    return (await this.#ask(added, { method: "POST", path: "/memories", body, headers, timeoutMs })).results;
  }

  /** The memories of `user` nearest in meaning, best first. */
  async recall(query: string, user: string, limit: number): Promise<Found> {
    const body = { query, user_id: user, limit };
    const timeoutMs = ASK_MS + MARGIN_MS;
    return (await this.#ask(found, { method: "POST", path: "/search", body, timeoutMs })).results;
  }

  /** Newest first. */
  list(user: string, offset: number, limit: number): Promise<z.output<typeof page>> {
    const query = new URLSearchParams({
      user_id: user,
      order: "newest",
      offset: `${offset}`,
      limit: `${limit}`,
    });
    return this.#ask(page, { method: "GET", path: `/memories?${query}` });
  }

  /** One memory of `user`; undefined when there is none, or it is somebody else's. */
  async get(id: string, user: string): Promise<Memory | undefined> {
    const answer = await this.#ask(memory.or(problem), {
      method: "GET",
      path: `/memories/${id}`,
      accepts: 404,
    });
    return "id" in answer && answer.user_id === user ? answer : undefined;
  }

  /** @returns false when it was gone already */
  async forget(id: string): Promise<boolean> {
    const schema = z.object({ message: z.string() }).or(problem);
    return (
      "message" in (await this.#ask(schema, { method: "DELETE", path: `/memories/${id}`, accepts: 404 }))
    );
  }

  /** What the server lacks; nothing when it is ready. */
  async lacks(): Promise<string[]> {
    const { ready, waiting_for, checks } = await this.#ask(readiness, {
      method: "GET",
      path: "/ready",
      accepts: 503,
    });
    if (ready) return [];
    const silent = Object.entries(checks).filter(([, { ok }]) => !ok);
    return [
      ...(waiting_for === undefined ? [] : [waiting_for]),
      ...silent.map(([name]) => `${name} does not answer`),
    ];
  }

  close(): void {
    this.#agent.destroy();
  }

  async #ask<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    const { status, retryAfter, text } = await this.#send(request);
    const json = parseJson(text);
    if ((status >= 200 && status < 300) || status === request.accepts) {
      const parsed = schema.safeParse(json);
      if (parsed.success) return parsed.data;
      throw new NotNow("malformed", `the answer to ${request.method} is not the memory server's`);
    }
    throw refusal(status, json, retryAfter);
  }

  async #send({ method, path, body, headers, timeoutMs = ASK_MS }: Request) {
    const key = await readSecret(this.#access.apiKeyFile).catch((error: Error) => {
      throw new NotNow("key", error.message);
    });
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const signal = AbortSignal.timeout(timeoutMs);
    const ask = () =>
      new Promise<{ status: number; retryAfter: number | undefined; text: string }>((resolve, reject) => {
        const options = {
          method,
          agent: this.#agent,
          signal,
          headers: {
            "X-API-Key": key,
            ...(payload === undefined
              ? {}
              : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(payload) }),
            ...headers,
          },
        };
        httpRequest(`${this.#access.serverUrl}${path}`, options, (response) => {
          const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
          textOf(response).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                retryAfter: Number.isFinite(seconds) ? seconds : undefined,
                text,
              }),
            reject,
          );
        })
          .once("error", reject)
          .end(payload);
      });
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw new NotNow("timeout", `no answer within ${timeoutMs / 1000} s`);
      const { code } = error as { code?: string };
      throw new NotNow("unreachable", `no connection to the memory server (${code ?? "closed"})`);
    }
  }
}

/** What an error of the server means for whoever asked. */
function refusal(status: number, json: unknown, retryAfter: number | undefined): NotNow | Refused {
  const told = problem.safeParse(json);
  const detail = told.success ? (told.data.detail ?? told.data.title) : `status ${status}`;
  if (status === 401 || status === 403) return new NotNow("key", `${status}: ${detail}`);
  if (status === 409 || status === 429 || status === 408) return new NotNow("busy", detail, retryAfter);
  if (status === 502) return new NotNow("model", detail, retryAfter);
  if (status === 503) return new NotNow("unavailable", detail, retryAfter);
  return status >= 400 && status < 500 ? new Refused(detail) : new NotNow("error", detail);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
