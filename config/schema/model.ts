import { z } from "zod";
import { baseUrl, dimensions, modelName } from "./kinds.ts";

/** What OpenAI is asked for when a stack file names no models. */
export const OPENAI_DEFAULT = {
  llm: "gpt-4.1-mini",
  embedder: "text-embedding-3-small",
  dimensions: 1536,
} as const;

const embedded = z
  .strictObject({
    provider: z.literal("embedded").meta({ description: "Our own container: no key, no Internet." }),
  })
  .meta({ title: "embedded" });

const openai = z
  .strictObject({
    provider: z.literal("openai").meta({ description: "OpenAI; needs the secret `mem0:openaiApiKey`." }),
    llm: modelName
      .default(OPENAI_DEFAULT.llm)
      .meta({ description: "Chat model that extracts facts and entities." }),
    embedder: modelName.default(OPENAI_DEFAULT.embedder).meta({ description: "Embedding model." }),
    dimensions: dimensions
      .default(OPENAI_DEFAULT.dimensions)
      .meta({ description: "Dimensions of the embedding model." }),
  })
  .meta({ title: "openai" });

const openaiCompatible = z
  .strictObject({
    provider: z
      .literal("openai-compatible")
      .meta({ description: "Ollama, LM Studio or another server that speaks OpenAI's API." }),
    baseUrl: baseUrl.meta({
      description: "Base URL as the memory server's container reaches it.",
      examples: ["http://host.docker.internal:11434/v1"],
    }),
    llm: modelName.meta({ description: "Chat model.", examples: ["llama3.1:8b"] }),
    embedder: modelName.meta({ description: "Embedding model.", examples: ["nomic-embed-text"] }),
    embedderBaseUrl: baseUrl
      .optional()
      .meta({ description: "Base URL of the embedder, when it is another server." }),
    dimensions: dimensions.meta({ description: "Dimensions of the embedding model.", examples: [768] }),
  })
  .meta({ title: "openai-compatible" });

const part = z
  .enum(["embedded", "openai", "openai-compatible"])
  .meta({ description: "As above, for this part alone." });
const partBaseUrl = baseUrl
  .optional()
  .meta({ description: "Base URL; needed with openai-compatible, and only there." });
const partModel = modelName.optional().meta({ description: "Model; openai and embedded have a default." });

const mixed = z
  .strictObject({
    provider: z
      .literal("mixed")
      .meta({ description: "One provider for the chat model, another for the embedder." }),
    llm: z.strictObject({ provider: part, model: partModel, baseUrl: partBaseUrl }),
    embedder: z.strictObject({
      provider: part,
      model: partModel,
      baseUrl: partBaseUrl,
      dimensions: dimensions.optional().meta({
        description: "Dimensions of the embedding model; needed with openai-compatible.",
      }),
    }),
  })
  .meta({ title: "mixed" });

export const model = z.discriminatedUnion("provider", [embedded, openai, openaiCompatible, mixed]).meta({
  description:
    "Who extracts and embeds. Model and dimensions belong together: neither can change once memories are stored.",
});
