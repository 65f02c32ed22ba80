import type Docker from "dockerode";

/** Where Docker listens when nobody says otherwise. */
const DEFAULT_HOST = "unix:///var/run/docker.sock";

/** The Docker engine, connected at the first use: a preview without changes never needs it. */
export class Client {
  #host = process.env.DOCKER_HOST || DEFAULT_HOST;
  #docker: Promise<Docker> | undefined;

  get host(): string {
    return this.#host;
  }

  setHost(host: string): void {
    this.#host = host;
    this.#docker = undefined;
  }

  docker(): Promise<Docker> {
    this.#docker ??= connect(this.#host);
    return this.#docker;
  }
}

async function connect(host: string): Promise<Docker> {
  if (!isSocket(host)) {
    throw new Error(`DOCKER_HOST is ${host}: this stand-in speaks to unix:// sockets only.`);
  }
  const { default: DockerClient } = await import("dockerode");
  return new DockerClient({ socketPath: host.slice("unix://".length) });
}

export function isSocket(host: string): boolean {
  return host.startsWith("unix:///");
}

export function hasStatus(error: unknown, status: number): boolean {
  return typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === status;
}

/** Runs a call to Docker; an error says what was being done, and what Docker said. */
export async function doing<Result>(what: string, client: Client, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    throw new Error(`${what}: ${dockerMessage(error, client.host)}`, { cause: error });
  }
}

/** The call's answer, or undefined when Docker knows no such thing. */
export async function ifExists<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

function dockerMessage(error: unknown, host: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError") return "cancelled";
  if (
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "EACCES")
  ) {
    return `Docker cannot be reached at ${host} (${error.code}). Is it running, and may you use it? ./mem0 doctor`;
  }
  if (!("statusCode" in error)) return error.message;
  // dockerode's own beginning: `(HTTP code 409) unexpected - `.
  return `Docker answers (${error.statusCode}): ${error.message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim()}`;
}
