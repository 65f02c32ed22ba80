import Docker from "dockerode";

/**
 * For what the engine runs beside its plugins (`onEngine` in ../docker.ts): Docker by its socket, so that no `docker`
 * command is needed, and the one that was deployed to, whatever Docker context is current.
 */
export const engine = new Docker({ socketPath: required("DOCKER_HOST").replace(/^unix:\/\//, "") });

/** A variable that the component set. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** The call's answer, or undefined when Docker refuses with one of these statuses. */
export async function unless<T>(statuses: readonly number[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!statuses.includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
    return undefined;
  }
}

/** Runs `work`; an error is one line on standard error, which the engine shows. */
export async function forPeople(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
