import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import pRetry from "p-retry";
import { z } from "zod";
import { ExitCode, Problem } from "../base/problem.ts";

/** What an add did to one memory; a distance of meaning is never part of it. */
const added = z.object({
  results: z.array(z.object({ id: z.string(), memory: z.string(), event: z.string() })),
});

const found = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      memory: z.string(),
      /** Likeness of meaning, 1 is the same. */
      similarity: z.number(),
      created_at: z.string().nullish(),
      updated_at: z.string().nullish(),
    }),
  ),
});

/** What the server says of itself: who does not answer, and what it waits for. */
const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), reason: z.string().optional() })),
  waiting_for: z.string().optional(),
});

/** The server's errors are RFC 9457 problem documents. */
const problemDocument = z.object({ title: z.string(), detail: z.string().optional() });

export type Added = z.output<typeof added>["results"];
export type Found = z.output<typeof found>["results"];

/** Time beyond the server's own limit: a request may wait for another before it, and a repair may follow. */
const MARGIN_MS = 30_000;
/**
 * How long a request is made again while the server says to try later: longer than a start and than the pause of an
 * hourly backup, shorter than a person waits without asking what is wrong.
 */
const PATIENCE_MS = 60_000;

/** Statuses that promise that nothing was done, and that it may be tried again. */
const LATER = [429, 503];

/** The server's own default, for manifests that do not name it. */
const ADD_SECONDS = 90;

export interface Request {
  method: "GET" | "POST" | "DELETE";
  path: string;
  /** JSON, or a body that is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
  /** A status that is an answer here, though it is an error elsewhere. */
  accepts?: number;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** Told when there is a wait for the server, with its reason. */
export type OnWait = (reason: string) => void;

/** How a stack's memory server is reached. */
export interface ServerAccess {
  stack: string;
  /** E.g. `http://127.0.0.1:8888`. */
  address: string;
  apiKey: string;
  /** How long the server lets an add take; its own default when left out. */
  addSeconds?: number | undefined;
}

/** Client of a stack's memory server, with the key that the stack made for its owner. */
export class MemoryClient {
  private readonly address: string;
  private readonly apiKey: string;
  /** The stack's name. */
  readonly stack: string;
  private readonly timeoutMs: number;

  constructor({ stack, address, apiKey, addSeconds = ADD_SECONDS }: ServerAccess) {
    this.stack = stack;
    this.address = address;
    this.apiKey = apiKey;
    this.timeoutMs = addSeconds * 1000 + MARGIN_MS;
  }

  /**
   * Stores what `text` says about `user`; returns what changed, nothing when nothing was new. An answer that is lost is
   * asked for once more with the same Idempotency-Key, which stores nothing twice.
   */
  async remember(text: string, user: string, onWait?: OnWait): Promise<Added> {
    const request: Request = {
      method: "POST",
      path: "/memories",
      body: { messages: [{ role: "user", content: text }], user_id: user },
      headers: { "idempotency-key": randomUUID() },
    };
    const response = await this.patiently(request, onWait).catch((cause: unknown) => {
      if (isLostAnswer(cause)) return this.patiently(request, onWait);
      throw cause;
    });
    return added.parse(await response.json()).results;
  }

  /** The memories of `user` nearest in meaning to `question`, best first. */
  async recall(question: string, user: string, limit: number, onWait?: OnWait): Promise<Found> {
    const body = { query: question, user_id: user, limit };
    const response = await this.patiently({ method: "POST", path: "/search", body }, onWait);
    return found.parse(await response.json()).results;
  }

  /**
   * Whether the server has found its stores to be its own and they and the model answer.
   *
   * @returns what it lacks, one line each; none when it is ready
   */
  async lacks(): Promise<string[]> {
    const response = await this.request({
      method: "GET",
      path: "/ready",
      accepts: 503,
      timeoutMs: MARGIN_MS,
    });
    const { ready, checks, waiting_for } = readiness.parse(await response.json());
    if (ready) return [];
    const silent = Object.entries(checks).filter(([, { ok }]) => !ok);
    return [
      ...(waiting_for === undefined ? [] : [waiting_for]),
      ...silent.map(([name, { reason }]) => `${name}: ${reason ?? "does not answer"}`),
    ];
  }

  /** One request, made again as long as the server says when to try again, and patience lasts. */
  private patiently(request: Request, onWait: OnWait = () => {}): Promise<Response> {
    const deadline = Date.now() + PATIENCE_MS;
    const wait = (error: Error) => {
      if (!(error instanceof ServerRefusal) || !LATER.includes(error.status)) return undefined;
      const { retryAfter } = error;
      return retryAfter !== undefined && Date.now() + retryAfter * 1000 <= deadline ? retryAfter : undefined;
    };
    return pRetry(() => this.request(request), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      factor: 1,
      shouldRetry: async ({ error }) => {
        const seconds = wait(error);
        if (seconds === undefined) return false;
        onWait(error.message);
        await delay(seconds * 1000);
        return true;
      },
    });
  }

  /** One request. Raises a Problem when there is no answer, ServerRefusal when the answer is not the one asked for. */
  async request({ method, path, body, headers, timeoutMs, accepts, signal }: Request): Promise<Response> {
    const url = `${this.address}${path}`;
    const asIs = typeof body === "string";
    const late = AbortSignal.timeout(timeoutMs ?? this.timeoutMs);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: {
          ...(body === undefined || asIs ? {} : { "content-type": "application/json" }),
          "x-api-key": this.apiKey,
          ...headers,
        },
        ...(body === undefined ? {} : { body: asIs ? body : JSON.stringify(body) }),
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
    } catch (cause) {
      throw new Problem("the memory server does not answer", {
        where: url,
        mend: `./mem0 status ${this.stack}`,
        cause,
      });
    }
    if (response.ok || response.status === accepts) return response;
    const problem = problemDocument.safeParse(await response.json().catch(() => undefined));
    const told = problem.success ? [problem.data.title, problem.data.detail].filter(Boolean).join(": ") : "";
    throw new ServerRefusal(
      response,
      `the memory server refused (${response.status})${told === "" ? "" : `: ${told}`}`,
      { where: url, mend: `./mem0 status ${this.stack}` },
    );
  }
}

/** The server answered, and not with what was asked for. */
export class ServerRefusal extends Problem {
  readonly status: number;
  /** Seconds after which to ask again, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(response: Response, what: string, options: { where: string; mend: string }) {
    // It was understood, and cannot be done as it was asked: other words are needed, and no mending of the stack.
    super(what, response.status === 422 ? { where: options.where, exitCode: ExitCode.usage } : options);
    this.status = response.status;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    this.retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  }
}

/** A connection that broke after it had been made: the server may or may not have done what was asked. */
function isLostAnswer(error: unknown): boolean {
  if (!(error instanceof Problem) || error instanceof ServerRefusal) return false;
  const { cause } = error.cause instanceof Error ? error.cause : {};
  const code = (cause as { code?: string } | undefined)?.code;
  return code === "UND_ERR_SOCKET" || code === "ECONNRESET";
}
