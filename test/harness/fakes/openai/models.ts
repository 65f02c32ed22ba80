import { type ChatBody, type EmbeddingBody, Refusal } from "./requests.ts";

/** What a model that can be asked for takes. */
export type Model =
  | { kind: "chat"; reasoning?: boolean }
  | { kind: "embedding"; dimensions: number; shortens?: boolean };

/** Some of OpenAI's own: https://platform.openai.com/docs/models. */
export const OPENAI_MODELS: Readonly<Record<string, Model>> = {
  "gpt-4.1-mini": { kind: "chat" },
  "gpt-5-mini": { kind: "chat", reasoning: true },
  "text-embedding-3-small": { kind: "embedding", dimensions: 1536, shortens: true },
  "text-embedding-3-large": { kind: "embedding", dimensions: 3072, shortens: true },
  "text-embedding-ada-002": { kind: "embedding", dimensions: 1536 },
};

/** Some that Ollama serves. */
export const OLLAMA_MODELS: Readonly<Record<string, Model>> = {
  "llama3.1:8b": { kind: "chat" },
  "nomic-embed-text": { kind: "embedding", dimensions: 768 },
};

/** Tokens of one text that OpenAI's embedding models take; a token has four bytes as a rule of thumb. */
const MAX_BYTES = 8192 * 4;

function known(models: Readonly<Record<string, Model>>, name: string): Model {
  const model = models[name];
  if (model !== undefined) return model;
  throw new Refusal(404, `The model \`${name}\` does not exist or you do not have access to it.`, {
    code: "model_not_found",
  });
}

/** How many dimensions the answer has; a Refusal where the model does not take the request. */
export function dimensionsOf(models: Readonly<Record<string, Model>>, body: EmbeddingBody): number {
  const model = known(models, body.model);
  if (model.kind !== "embedding") {
    throw new Refusal(403, "You are not allowed to generate embeddings from this model");
  }
  for (const text of [body.input].flat()) {
    if (Buffer.byteLength(text) > MAX_BYTES) {
      throw new Refusal(400, "This model's maximum context length is 8192 tokens.", { param: "input" });
    }
  }
  if (body.dimensions === undefined) return model.dimensions;
  if (model.shortens !== true) {
    throw new Refusal(400, "This model does not support specifying dimensions.", { param: "dimensions" });
  }
  if (body.dimensions > model.dimensions) {
    const message = `Invalid value for 'dimensions' = ${body.dimensions}. Must be less than or equal to ${model.dimensions}.`;
    throw new Refusal(400, message, { param: "dimensions" });
  }
  return body.dimensions;
}

/** A Refusal where the model does not take the request. */
export function requireChat(models: Readonly<Record<string, Model>>, body: ChatBody): void {
  const model = known(models, body.model);
  if (model.kind !== "chat") {
    throw new Refusal(
      404,
      "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
      {
        param: "model",
      },
    );
  }
  if (model.reasoning === true && body.temperature !== undefined && body.temperature !== 1) {
    throw new Refusal(
      400,
      `Unsupported value: 'temperature' does not support ${body.temperature} with this model.`,
      {
        param: "temperature",
        code: "unsupported_value",
      },
    );
  }
  if (body.tool_choice !== undefined && body.tools === undefined) {
    throw new Refusal(400, "'tool_choice' is only allowed when 'tools' are specified.", {
      param: "tool_choice",
    });
  }
  const says = body.messages.some(({ content }) => /json/i.test(content));
  if (body.response_format?.type === "json_object" && !says) {
    throw new Refusal(
      400,
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      { param: "messages" },
    );
  }
}

/** A vector of another length at the same angles to others: repeated as often as it takes, cut, of length 1. */
export function stretched(vector: readonly number[], dimensions: number): number[] {
  const long = Array.from({ length: dimensions }, (_, n) => vector[n % vector.length] ?? 0);
  const length = Math.hypot(...long);
  return long.map((x) => x / length);
}
