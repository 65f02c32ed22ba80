import { OPENAI_DEFAULT } from "./schema/model.ts";
import type { StackFile } from "./schema.ts";

export type Provider = "embedded" | "openai" | "openai-compatible";

/** Who extracts facts and who embeds, as the memory server is told. Without a base URL: OpenAI's own. */
export interface ModelSettings {
  /** As the stack file says it; `mixed` where the two differ. */
  provider: StackFile["model"]["provider"];
  llm: { provider: Provider; model: string; baseUrl?: string };
  embedder: { provider: Provider; model: string; baseUrl?: string; dimensions: number };
}

/** The embedded model's names and dimensions, as `services/model` answers. */
export const EMBEDDED_MODEL = { llm: "mem0-rules", embedder: "mem0-embedded", dimensions: 384 } as const;
const EMBEDDED_URL = "http://model:8000/v1";

/** One form of all that a stack file may say of the model. */
export function modelSettings(model: StackFile["model"]): ModelSettings {
  switch (model.provider) {
    case "embedded":
      return {
        provider: "embedded",
        llm: llmOf({ provider: "embedded" }),
        embedder: embedderOf({ provider: "embedded" }),
      };
    case "openai":
      return {
        provider: "openai",
        llm: { provider: "openai", model: model.llm },
        embedder: { provider: "openai", model: model.embedder, dimensions: model.dimensions },
      };
    case "openai-compatible":
      return {
        provider: "openai-compatible",
        llm: { provider: "openai-compatible", model: model.llm, baseUrl: model.baseUrl },
        embedder: {
          provider: "openai-compatible",
          model: model.embedder,
          baseUrl: model.embedderBaseUrl ?? model.baseUrl,
          dimensions: model.dimensions,
        },
      };
    case "mixed":
      return { provider: "mixed", llm: llmOf(model.llm), embedder: embedderOf(model.embedder) };
  }
}

interface Part {
  provider: Provider;
  model?: string | undefined;
  baseUrl?: string | undefined;
}

function llmOf({ provider, model, baseUrl }: Part): ModelSettings["llm"] {
  if (provider === "embedded") return { provider, model: EMBEDDED_MODEL.llm, baseUrl: EMBEDDED_URL };
  return { provider, model: model ?? OPENAI_DEFAULT.llm, ...(baseUrl === undefined ? {} : { baseUrl }) };
}

function embedderOf(part: Part & { dimensions?: number | undefined }): ModelSettings["embedder"] {
  const { provider, model, baseUrl, dimensions } = part;
  if (provider === "embedded") {
    const { embedder, dimensions } = EMBEDDED_MODEL;
    return { provider, model: embedder, baseUrl: EMBEDDED_URL, dimensions };
  }
  return {
    provider,
    model: model ?? OPENAI_DEFAULT.embedder,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    dimensions: dimensions ?? OPENAI_DEFAULT.dimensions,
  };
}
