import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Manifest } from "../config/manifest.ts";
import { Problem } from "./problem.ts";

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

/** The server's errors are RFC 9457 problem documents. */
const problemDocument = z.object({ title: z.string(), detail: z.string().optional() });

export type Added = z.output<typeof added>["results"];
export type Found = z.output<typeof found>["results"];

/** What the server may take beyond its own bounds: a waiting request in front, the repair behind. */
const MARGIN_MS = 30_000;
/** The server's own default, for manifests that do not tell. */
const ADD_SECONDS = 90;

export interface Request {
  method: "GET" | "POST" | "DELETE";
  path: string;
  /** JSON, or a body that is sent as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

/** Client of a stack's memory server, with the key that the stack made for its owner. */
export class MemoryClient {
  private readonly address: string;
  private readonly apiKey: string;
  private readonly stack: string;
  private readonly timeoutMs: number;

  constructor(manifest: Manifest) {
    const port = manifest.services.server?.ports.http;
    const keyFile = manifest.secretFiles.api_key;
    this.stack = manifest.stack;
    if (port === undefined || keyFile === undefined) {
      throw new Problem("the manifest names no memory server", { mend: `./mem0 up ${this.stack}` });
    }
    this.address = `http://127.0.0.1:${port}`;
    this.apiKey = readKey(keyFile, this.stack);
    this.timeoutMs = (manifest.addSeconds ?? ADD_SECONDS) * 1000 + MARGIN_MS;
  }

  /**
   * Stores what `text` says about `user`; returns what changed, nothing when nothing was new. An answer that is lost is
   * asked for once more with the same Idempotency-Key, which stores nothing twice.
   */
  async remember(text: string, user: string): Promise<Added> {
    const request: Request = {
      method: "POST",
      path: "/memories",
      body: { messages: [{ role: "user", content: text }], user_id: user },
      headers: { "idempotency-key": randomUUID() },
    };
    const response = await this.request(request).catch((cause: unknown) => {
      if (isLostAnswer(cause)) return this.request(request);
      throw cause;
    });
    return added.parse(await response.json()).results;
  }

  /** The memories of `user` nearest in meaning to `question`, best first. */
  async recall(question: string, user: string, limit: number): Promise<Found> {
    const body = { query: question, user_id: user, limit };
    const response = await this.request({ method: "POST", path: "/search", body });
    return found.parse(await response.json()).results;
  }

  /** One request. Raises a Problem when there is no answer, ServerRefusal when the answer is not the one asked for. */
  async request({ method, path, body, headers, timeoutMs }: Request): Promise<Response> {
    const url = `${this.address}${path}`;
    const asIs = typeof body === "string";
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
        signal: AbortSignal.timeout(timeoutMs ?? this.timeoutMs),
      });
    } catch (cause) {
      throw new Problem("the memory server does not answer", {
        where: url,
        mend: `./mem0 status ${this.stack}`,
        cause,
      });
    }
    if (response.ok) return response;
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
    super(what, options);
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

function readKey(file: string, stack: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new Problem("the API key cannot be read", { where: file, mend: `./mem0 up ${stack}`, cause });
  }
}
