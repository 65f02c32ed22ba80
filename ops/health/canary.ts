import path from "node:path";
import { z } from "zod";
import { readBelow } from "../base/below.ts";
import { writeBelow } from "../base/write-below.ts";
import { ServerRefusal } from "../server/client.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { type Answer, asked } from "./answer.ts";
import type { CanaryFacts, HealthFacts } from "./facts.ts";

/** A model that costs money embeds the canary's texts once in so long, as long as all is well. */
const PAID_EVERY_MS = 3_600_000;

const noteSchema = z.object({ at: z.number(), similarity: z.number(), milliseconds: z.number() });

const answerSchema = z.object({
  similarity: z.number(),
  model_milliseconds: z.number(),
  store_milliseconds: z.number(),
});

/**
 * Lets the server write a memory, find it by its meaning and remove it. With a model of somebody else's the last good
 * answer is given again for an hour.
 */
export async function askCanary(
  stack: DeployedStack,
  now: number,
  withinMs: number,
): Promise<HealthFacts["canary"]> {
  if (stack.manifest.model.provider === "embedded") return { at: now, answer: await ask(stack, withinMs) };
  const noted = readNote(stack);
  if (noted !== undefined && now >= noted.at && now - noted.at < PAID_EVERY_MS) {
    const { at, ...value } = noted;
    return { at, answer: { value } };
  }
  const answer = await ask(stack, withinMs);
  if ("value" in answer) {
    const text = JSON.stringify({ at: now, ...answer.value });
    writeBelow(stack.directory, noteFile(stack), text);
  }
  return { at: now, answer };
}

function ask(stack: DeployedStack, withinMs: number): Promise<Answer<CanaryFacts>> {
  return asked(withinMs, async (signal) => {
    const request = { method: "POST", path: "/admin/canary", signal } as const;
    const response = await stack.server.request(request).catch((error: unknown) => {
      if (!(error instanceof ServerRefusal) || error.status !== 404) throw error;
      throw new Error(`the server is of a version before there was a canary: ./mem0 up ${stack.name}`);
    });
    const told = answerSchema.parse(await response.json());
    const { similarity, store_milliseconds: milliseconds } = told;
    return { similarity, milliseconds };
  });
}

function noteFile({ directory }: DeployedStack): string {
  return path.join(directory, "health", "canary.json");
}

function readNote(stack: DeployedStack): z.output<typeof noteSchema> | undefined {
  try {
    return noteSchema.parse(JSON.parse(readBelow(stack.directory, noteFile(stack)) ?? ""));
  } catch {
    // None yet, or damaged: the model is asked, and a new one written.
    return undefined;
  }
}
