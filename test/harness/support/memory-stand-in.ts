import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

/** A memory as the API shows it. */
export interface Kept {
  id: string;
  memory: string;
  user_id: string;
  created_at: string;
}

interface Answer {
  status: number;
  body: object;
  retryAfter?: number;
}

/**
 * What the bot asks of the memory server, for tests that kill and stop it faster than a stack can be. It keeps the
 * contract of docs/api.md on Idempotency-Keys: one owner's key gives the first reply again, a second request meanwhile is
 * 409, and another body under it 422. What it means to remember is the real server's, which the e2e test asks.
 */
export class MemoryStandIn {
  readonly key = "a-key-of-the-tests-0123456789";
  memories: Kept[] = [];
  /** Writes are refused for so many seconds, as in maintenance; 0: they are not. */
  pausedSeconds = 0;
  /** Every request is refused with this. */
  refusal: Answer | undefined;
  /** Adds wait for it. */
  held: Promise<void> = Promise.resolve();
  /** How many answers to adds are lost, after the commit. */
  lostAnswers = 0;
  /** Adds that came, repeats among them. */
  adds = 0;
  readonly #replies = new Map<string, { fingerprint: string; reply: object }>();
  readonly #underWay = new Set<string>();
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#respond(request, response));
  }

  static async start(): Promise<MemoryStandIn> {
    const standIn = new MemoryStandIn();
    await standIn.up();
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async up(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As a server that is killed: what is under way has no answer. */
  async down(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  textsOf(user: string): string[] {
    return this.memories.filter(({ user_id }) => user_id === user).map(({ memory }) => memory);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request).catch(() => undefined);
    if (body === undefined) return;
    const { status, body: reply, retryAfter } = this.refusal ?? (await this.#answer(request, body, response));
    if (response.destroyed) return;
    response.writeHead(status, {
      "Content-Type": "application/json",
      ...(retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) }),
    });
    response.end(JSON.stringify(reply));
  }

  async #answer(request: IncomingMessage, text: string, response: ServerResponse): Promise<Answer> {
    if (request.headers["x-api-key"] !== this.key) return problem(401, "The key is missing or wrong.");
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const [, , id = ""] = pathname.split("/");
    switch (`${request.method} ${pathname.replace(/(?<=^\/memories\/).+/, "ID")}`) {
      case "GET /ready":
        return { status: 200, body: { ready: true, checks: {} } };
      case "POST /memories":
        return this.#idempotently(String(request.headers["idempotency-key"]), text, response);
      case "POST /search":
        return { status: 200, body: { results: this.#found(JSON.parse(text) as Search) } };
      case "GET /memories":
        return { status: 200, body: this.#page(searchParams) };
      case "GET /memories/ID": {
        const found = this.memories.find((memory) => memory.id === id);
        return found === undefined ? problem(404, "There is no memory.") : { status: 200, body: found };
      }
      case "DELETE /memories/ID": {
        if (this.pausedSeconds > 0) return this.#paused();
        const left = this.memories.filter((memory) => memory.id !== id);
        if (left.length === this.memories.length) return problem(404, "There is no memory.");
        this.memories = left;
        return { status: 200, body: { message: "Memory deleted successfully" } };
      }
      default:
        return problem(404, "Not Found");
    }
  }

  async #idempotently(key: string, text: string, response: ServerResponse): Promise<Answer> {
    this.adds += 1;
    if (this.pausedSeconds > 0) return this.#paused();
    if (this.#underWay.has(key)) return { ...problem(409, "It is under way."), retryAfter: 1 };
    const fingerprint = createHash("sha256").update(text).digest("hex");
    const earlier = this.#replies.get(key);
    if (earlier !== undefined) {
      if (earlier.fingerprint !== fingerprint) return problem(422, "This Idempotency-Key was used.");
      return this.#answered(earlier.reply, response);
    }
    this.#underWay.add(key);
    try {
      await this.held;
      const reply = this.#add(JSON.parse(text) as Add);
      this.#replies.set(key, { fingerprint, reply });
      return this.#answered(reply, response);
    } finally {
      this.#underWay.delete(key);
    }
  }

  #answered(reply: object, response: ServerResponse): Answer {
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      response.destroy();
    }
    return { status: 200, body: reply };
  }

  #paused(): Answer {
    return { ...problem(503, "Writes are paused for maintenance."), retryAfter: this.pausedSeconds };
  }

  #add({ messages, user_id }: Add): object {
    const results = messages.map(({ content }) => {
      const kept = { id: randomUUID(), memory: content, user_id, created_at: new Date().toISOString() };
      this.memories.push(kept);
      return { id: kept.id, memory: content, event: "ADD" };
    });
    return { results };
  }

  #found({ query, user_id, limit }: Search): object[] {
    const words = (text: string): string[] => text.toLowerCase().match(/\p{L}+/gu) ?? [];
    return this.memories
      .filter((memory) => memory.user_id === user_id)
      .map((memory) => {
        const shared = words(memory.memory).filter((word) => words(query).includes(word)).length;
        return { ...memory, similarity: shared / Math.max(words(query).length, 1) };
      })
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, limit);
  }

  #page(query: URLSearchParams): object {
    const all = this.memories.filter(({ user_id }) => user_id === query.get("user_id")).reverse();
    const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))];
    return { results: all.slice(offset, offset + limit), total: all.length };
  }
}

interface Add {
  messages: { content: string }[];
  user_id: string;
}

interface Search {
  query: string;
  user_id: string;
  limit: number;
}

/** A refusal in the server's own form. */
export function problem(status: number, detail: string): Answer {
  return { status, body: { title: "A problem", detail } };
}
