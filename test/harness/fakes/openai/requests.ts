import { z } from "zod";

/**
 * The bodies that OpenAI's API takes, as platform.openai.com/docs/api-reference describes them, without what belongs to
 * pictures, sound and streams. What it does not know it refuses, as OpenAI does.
 */

const text = z.string().min(1);

export const embeddingBody = z.strictObject({
  model: z.string(),
  input: z.union([text, z.array(text).min(1).max(2048)]),
  encoding_format: z.literal("float").optional(),
  dimensions: z.int().min(1).optional(),
  user: z.string().optional(),
});

const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);

const tool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: toolName,
    description: z.string().optional(),
    parameters: z.looseObject({ type: z.literal("object") }).optional(),
    strict: z.boolean().nullish(),
  }),
});

export const chatBody = z.strictObject({
  model: z.string(),
  messages: z
    .array(
      z.strictObject({
        role: z.enum(["developer", "system", "user", "assistant"]),
        content: z.string(),
        name: z.string().optional(),
      }),
    )
    .min(1),
  temperature: z.number().min(0).max(2).optional(),
  response_format: z.strictObject({ type: z.enum(["text", "json_object"]) }).optional(),
  tools: z.array(tool).min(1).max(128).optional(),
  tool_choice: z.enum(["none", "auto", "required"]).optional(),
});

export type EmbeddingBody = z.output<typeof embeddingBody>;
export type ChatBody = z.output<typeof chatBody>;

/** An answer that says no, as OpenAI words it: https://platform.openai.com/docs/guides/error-codes. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  constructor(
    status: number,
    message: string,
    { code = null, param = null }: { code?: string | null; param?: string | null } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }

  /** The body of the answer. */
  get body(): object {
    return {
      error: { message: this.message, type: "invalid_request_error", param: this.param, code: this.code },
    };
  }
}

/** The body as `schema` has it, or OpenAI's words for what is wrong with it. */
export function parsed<Schema extends z.ZodType>(schema: Schema, raw: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw new Refusal(400, "We could not parse the JSON body of your request.");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = issue?.path.join(".") ?? null;
  if (issue?.code === "unrecognized_keys") {
    throw new Refusal(400, `Unrecognized request argument supplied: ${issue.keys.join(", ")}`, { param });
  }
  throw new Refusal(400, `Invalid value for '${param}': ${issue?.message}`, { param });
}
