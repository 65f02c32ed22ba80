import { setTimeout as sleep } from "node:timers/promises";
import { isProperties, type Properties, type Value } from "../protocol/value.ts";

/** What Grafana answered when it did not do what it was asked for. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** Tries after the first, as in the official plugin: terraform-provider-grafana, provider setting `retries`. */
const RETRIES = 3;

/** Grows with each try. */
const FIRST_WAIT_MS = 250;

/** Answers of something before Grafana, or of a Grafana that has too much to do. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Begins with /api/. */
  path: string;
  body?: Properties;
  headers?: Record<string, string>;
}

/** Grafana's HTTP API, at the place and with the login that the provider was given. */
export class GrafanaApi {
  #url = "";
  #authorization = "";
  #retries = RETRIES;

  /** @param auth `user:password`, or a token */
  configure(url: string, auth: string, retries = RETRIES): void {
    this.#url = url.replace(/\/+$/, "");
    this.#authorization = auth.includes(":")
      ? `Basic ${Buffer.from(auth).toString("base64")}`
      : `Bearer ${auth}`;
    this.#retries = retries;
  }

  /** Address of a page of Grafana's. */
  address(path: string): string {
    return `${this.#url}${path}`;
  }

  /**
   * @returns what Grafana answers, empty when it says nothing
   * @throws ApiError with Grafana's own words, or an error that says why it cannot be reached
   */
  async call(call: Call, signal: AbortSignal): Promise<Value> {
    for (let left = this.#retries; ; left--) {
      const response = await this.#send(call, signal).catch((error: unknown) => {
        if (signal.aborted) throw new Error("cancelled");
        if (left > 0 && codeOf(error) === "ECONNREFUSED") return undefined;
        throw new Error(`Grafana cannot be reached at ${this.#url} (${reason(error)})`, { cause: error });
      });
      if (response !== undefined && !(left > 0 && PASSING.has(response.status))) {
        return this.#answer(response);
      }
      await sleep(FIRST_WAIT_MS * 2 ** (this.#retries - left), undefined, { signal });
    }
  }

  #send({ method, path, body, headers }: Call, signal: AbortSignal): Promise<Response> {
    return fetch(this.address(path), {
      method,
      signal,
      headers: {
        Accept: "application/json",
        Authorization: this.#authorization,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirect is another place, which the login is not meant for.
      redirect: "error",
    });
  }

  async #answer(response: Response): Promise<Value> {
    const text = await response.text();
    if (response.ok) return text === "" ? {} : (JSON.parse(text) as Value);
    const said = messageIn(text);
    switch (response.status) {
      case 401:
        throw new ApiError(
          401,
          `Grafana at ${this.#url} knows no such user and password, or token (401${said}); ` +
            "a password that was changed in Grafana has to be set back to the one that the stack knows",
        );
      case 403:
        throw new ApiError(403, `Grafana at ${this.#url} does not let this user do that (403${said})`);
      default:
        throw new ApiError(response.status, `Grafana answers ${response.status}${said}`);
    }
  }
}

/** The answer, or undefined when Grafana knows no such thing. */
export async function ifExists<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

function messageIn(text: string): string {
  try {
    const answer = JSON.parse(text) as Value;
    if (isProperties(answer) && typeof answer.message === "string") return `: ${answer.message}`;
  } catch {
    // A page of something before Grafana says nothing that helps.
  }
  return "";
}

/** fetch hides the reason in the cause of its error. */
function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return codeOf(error) ?? (cause instanceof Error ? cause.message : String(error));
}
