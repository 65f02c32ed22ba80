import { OLLAMA_MODELS, OPENAI_MODELS } from "./models.ts";
import { FakeOpenai } from "./server.ts";

/**
 * The fake as a process of its own, for tests that are not in TypeScript: `node main.ts openai|ollama ANSWERS [KEY]`
 * prints its base URL and serves until its standard input ends.
 */
const [kind, answers = "", key] = process.argv.slice(2);
const models = kind === "openai" ? OPENAI_MODELS : OLLAMA_MODELS;
const fake = await FakeOpenai.start({ answers, models, ...(key === undefined ? {} : { key }) });
console.log(fake.url);
process.stdin.resume().once("end", () => void fake.stop());
