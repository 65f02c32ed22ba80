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

/** An add asks a model several times; a large one may take this long. */
const TIMEOUT_MS = 120_000;

/** Client of a stack's memory server, with the key that the stack made for its owner. */
export class MemoryClient {
  private readonly address: string;
  private readonly apiKey: string;
  private readonly stack: string;

  constructor(manifest: Manifest) {
    const port = manifest.services.server?.ports.http;
    const keyFile = manifest.secretFiles.api_key;
    this.stack = manifest.stack;
    if (port === undefined || keyFile === undefined) {
      throw new Problem("the manifest names no memory server", { mend: `./mem0 up ${this.stack}` });
    }
    this.address = `http://127.0.0.1:${port}`;
    this.apiKey = readKey(keyFile, this.stack);
  }

  /** Stores what `text` says about `user`; returns what changed, nothing when nothing was new. */
  async remember(text: string, user: string): Promise<Added> {
    const body = { messages: [{ role: "user", content: text }], user_id: user };
    return added.parse(await this.post("/memories", body)).results;
  }

  /** The memories of `user` nearest in meaning to `question`, best first. */
  async recall(question: string, user: string, limit: number): Promise<Found> {
    return found.parse(await this.post("/search", { query: question, user_id: user, limit })).results;
  }

  private async post(path: string, body: unknown): Promise<unknown> {
    const url = `${this.address}${path}`;
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": this.apiKey },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new Problem("the memory server does not answer", {
        where: url,
        mend: `./mem0 status ${this.stack}`,
        cause,
      });
    }
    if (response.ok) return response.json();
    const problem = problemDocument.safeParse(await response.json().catch(() => undefined));
    const told = problem.success ? [problem.data.title, problem.data.detail].filter(Boolean).join(": ") : "";
    throw new Problem(`the memory server refused (${response.status})${told === "" ? "" : `: ${told}`}`, {
      where: url,
      mend: `./mem0 status ${this.stack}`,
    });
  }
}

function readKey(file: string, stack: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new Problem("the API key cannot be read", { where: file, mend: `./mem0 up ${stack}`, cause });
  }
}
