import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPENAI_MODELS } from "../../../harness/fakes/openai/models.ts";
import { FakeOpenai } from "../../../harness/fakes/openai/server.ts";

const KEY = "sk-right";
let model: Server;
let fake: FakeOpenai;

/** In the embedded model's place: the vector (1, 0, 0) for every text, and a reply that says nothing. */
beforeAll(async () => {
  model = createServer((request, response) => {
    request.resume().once("end", () => {
      const embedded = { data: [{ embedding: [1, 0, 0] }] };
      response.end(
        JSON.stringify(request.url?.endsWith("/embeddings") === true ? embedded : { id: "1", choices: [] }),
      );
    });
  });
  await new Promise<void>((resolve) => model.listen(0, "127.0.0.1", resolve));
  const answers = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  fake = await FakeOpenai.start({ answers, models: OPENAI_MODELS, key: KEY });
});

afterAll(async () => {
  await fake.stop();
  model.closeAllConnections();
  await new Promise((resolve) => model.close(resolve));
});

async function ask(path: string, body: unknown, key: string | undefined = KEY) {
  const response = await fetch(`${fake.url}${path}`, {
    method: "POST",
    headers: key === "" ? {} : { Authorization: `Bearer ${key}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const embedding = (more: object) => ({ model: "text-embedding-3-small", input: "bees", ...more });
const chat = (more: object) => ({
  model: "gpt-4.1-mini",
  messages: [{ role: "user", content: "Answer in JSON." }],
  ...more,
});
const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };

describe("the fake of OpenAI's API", () => {
  it.each([
    ["no key", "", "You didn't provide an API key."],
    ["another key", "sk-wrong", "Incorrect API key provided."],
  ])("refuses %s", async (_, key, message) => {
    expect(await ask("/embeddings", embedding({}), key)).toMatchObject({
      status: 401,
      body: { error: { message } },
    });
  });

  it.each([
    ["a body that is no JSON", "/embeddings", "{", 400],
    ["an empty text", "/embeddings", embedding({ input: "" }), 400],
    ["no text", "/embeddings", embedding({ input: [] }), 400],
    ["too many texts", "/embeddings", embedding({ input: Array(2049).fill("x") }), 400],
    ["a text that is too long", "/embeddings", embedding({ input: "x".repeat(40_000) }), 400],
    ["a field that it does not know", "/embeddings", embedding({ dims: 3 }), 400],
    ["more dimensions than there are", "/embeddings", embedding({ dimensions: 1537 }), 400],
    [
      "a choice of dimensions where there is none",
      "/embeddings",
      embedding({ model: "text-embedding-ada-002", dimensions: 1536 }),
      400,
    ],
    ["an embedder that there is not", "/embeddings", embedding({ model: "text-embedding-4" }), 404],
    ["a chat model as embedder", "/embeddings", embedding({ model: "gpt-4.1-mini" }), 403],
    ["an embedder as chat model", "/chat/completions", chat({ model: "text-embedding-3-small" }), 404],
    ["a chat without messages", "/chat/completions", chat({ messages: [] }), 400],
    [
      "a role that it does not know",
      "/chat/completions",
      chat({ messages: [{ role: "me", content: "" }] }),
      400,
    ],
    ["a choice among no tools", "/chat/completions", chat({ tool_choice: "auto" }), 400],
    [
      "a tool without a proper name",
      "/chat/completions",
      chat({ tools: [{ ...tool, function: { name: "a b" } }] }),
      400,
    ],
    [
      "JSON that the messages do not ask for",
      "/chat/completions",
      chat({ messages: [{ role: "user", content: "Hi" }], response_format: { type: "json_object" } }),
      400,
    ],
    [
      "a temperature for a model that reasons",
      "/chat/completions",
      chat({ model: "gpt-5-mini", temperature: 0.2 }),
      400,
    ],
    ["an address that it does not have", "/completions", chat({}), 404],
  ])("refuses %s", async (_, path, body, status) => {
    const answer = await ask(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      error: { message: expect.any(String), type: "invalid_request_error" },
    });
  });

  it.each([
    [{}, 1536],
    [{ dimensions: 5 }, 5],
  ])("gives %o vectors of length 1", async (more, dimensions) => {
    const { body } = await ask("/embeddings", embedding(more));
    expect(body).toMatchObject({ object: "list", model: "text-embedding-3-small" });
    const { embedding: vector } = (body as { data: [{ embedding: number[] }] }).data[0];
    expect(vector).toHaveLength(dimensions);
    expect(Math.hypot(...vector)).toBeCloseTo(1);
  });

  it("answers a chat under the name it was asked for, and keeps what it was asked", async () => {
    const answer = await ask(
      "/chat/completions",
      chat({ tools: [tool], tool_choice: "auto", temperature: 0.2 }),
    );
    expect(answer).toEqual({ status: 200, body: { id: "1", choices: [], model: "gpt-4.1-mini" } });
    expect(fake.seen.at(-1)).toEqual({
      path: "/v1/chat/completions",
      model: "gpt-4.1-mini",
      sentKey: true,
      status: 200,
    });
  });
});
