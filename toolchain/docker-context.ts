import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/** Of Docker's own files, what names the engine; they have more fields. */
const configSchema = z.object({ currentContext: z.string().optional() });
const contextSchema = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string().optional() }) }),
});

/**
 * The engine that Docker's command line would use, from its context: `DOCKER_CONTEXT`, or `docker context use`.
 *
 * @returns a socket of this machine, e.g. `unix:///Users/me/.orbstack/run/docker.sock`; nothing when no context is chosen,
 *   or one of another machine
 */
export function currentContext(env: NodeJS.ProcessEnv, home: string): string | undefined {
  const directory = env.DOCKER_CONFIG || path.join(home, ".docker");
  const name = env.DOCKER_CONTEXT || read(path.join(directory, "config.json"), configSchema)?.currentContext;
  if (name === undefined || name === "" || name === "default") return undefined;
  // Docker keeps each context under the SHA-256 of its name.
  const folder = createHash("sha256").update(name).digest("hex");
  const context = read(path.join(directory, "contexts", "meta", folder, "meta.json"), contextSchema);
  const host = context?.Endpoints.docker.Host;
  return host?.startsWith("unix://") ? host : undefined;
}

/** Nothing when the file is not there, or not what is expected: it is Docker's, and nothing here depends on it. */
function read<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}
