import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { dimensionsOf, type Model, requireChat, stretched } from "./models.ts";
import { chatBody, embeddingBody, parsed, Refusal } from "./requests.ts";

export interface FakeOptions {
  /** Base address of the embedded model, which knows the answers. */
  answers: string;
  models: Readonly<Record<string, Model>>;
  /** What a caller must prove himself with; without one, as with Ollama, nobody is asked. */
  key?: string;
}

/** One request, without its texts. */
export interface Seen {
  path: string;
  model: string | undefined;
  /** Whether the caller sent a key, right or wrong. */
  sentKey: boolean;
  status: number;
}

const embeddings = z.object({ data: z.array(z.object({ embedding: z.array(z.number()) })) });
/** Names of the embedded model, and texts it takes at once. */
const [CHAT, EMBEDDER, AT_ONCE] = ["mem0-rules", "mem0-embedded", 64];

/**
 * OpenAI's embeddings and chat completions in front of the embedded model: keys, models and bodies are checked as OpenAI
 * checks them, and the answers have the dimensions that the model's name promises.
 */
export class FakeOpenai {
  readonly seen: Seen[] = [];
  readonly #options: FakeOptions;
  readonly #server: Server;

  private constructor(options: FakeOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      void this.#respond(request).then(({ status, body }) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
  }

  static async start(options: FakeOptions): Promise<FakeOpenai> {
    const fake = new FakeOpenai(options);
    await new Promise<void>((resolve, reject) => {
      fake.#server.once("error", reject);
      fake.#server.listen(0, "127.0.0.1", resolve);
    });
    return fake;
  }

  /** What a base URL is set to. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #respond(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const raw = await textOf(request);
    // Beside the API, for the tests: what has been asked so far.
    if (request.url === "/seen") return { status: 200, body: this.seen };
    const call: Seen = {
      path: request.url ?? "/",
      model: modelIn(raw),
      sentKey: request.headers.authorization !== undefined,
      status: 200,
    };
    this.seen.push(call);
    try {
      this.#requireKey(request.headers.authorization);
      return { status: 200, body: await this.#answer(request, raw) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      call.status = error.status;
      return { status: error.status, body: error.body };
    }
  }

  #requireKey(authorization: string | undefined): void {
    const { key } = this.#options;
    if (key === undefined || authorization === `Bearer ${key}`) return;
    if (authorization === undefined) throw new Refusal(401, "You didn't provide an API key.");
    throw new Refusal(401, "Incorrect API key provided.", { code: "invalid_api_key" });
  }

  async #answer({ method, url }: IncomingMessage, raw: string): Promise<unknown> {
    if (method !== "POST" || (url !== "/v1/embeddings" && url !== "/v1/chat/completions")) {
      throw new Refusal(404, `Invalid URL (${method} ${url})`);
    }
    return url === "/v1/embeddings" ? this.#embeddings(raw) : this.#chat(raw);
  }

  async #embeddings(raw: string): Promise<unknown> {
    const body = parsed(embeddingBody, raw);
    const dimensions = dimensionsOf(this.#options.models, body);
    const texts = [body.input].flat();
    const vectors: number[][] = [];
    for (let start = 0; start < texts.length; start += AT_ONCE) {
      const input = texts.slice(start, start + AT_ONCE);
      const reply = embeddings.parse(await this.#ask("/embeddings", { model: EMBEDDER, input }));
      vectors.push(...reply.data.map(({ embedding }) => stretched(embedding, dimensions)));
    }
    return {
      object: "list",
      data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
      model: body.model,
      usage: { prompt_tokens: texts.length, total_tokens: texts.length },
    };
  }

  async #chat(raw: string): Promise<unknown> {
    const body = parsed(chatBody, raw);
    requireChat(this.#options.models, body);
    const reply = z.looseObject({}).parse(await this.#ask("/chat/completions", { ...body, model: CHAT }));
    return { ...reply, model: body.model };
  }

  async #ask(path: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.#options.answers}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Refusal(response.status, await response.text());
    return response.json();
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function modelIn(raw: string): string | undefined {
  try {
    return z.looseObject({ model: z.string() }).safeParse(JSON.parse(raw)).data?.model;
  } catch {
    return undefined;
  }
}
