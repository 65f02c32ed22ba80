import type Docker from "dockerode";
import type { Operation } from "../protocol/resource.ts";
import { ifExists } from "./client.ts";
import { messagesOf } from "./message-stream.ts";

/** The local image of this name or id, pulled when there is none. */
export async function findOrPull(
  docker: Docker,
  name: string,
  platform: string | undefined,
  operation: Operation,
): Promise<Docker.ImageInspectInfo> {
  const found = await ifExists(docker.getImage(name).inspect());
  if (found !== undefined) return found;
  await pullImage(docker, name, platform, operation);
  return docker.getImage(name).inspect();
}

export async function pullImage(
  docker: Docker,
  name: string,
  platform: string | undefined,
  operation: Operation,
): Promise<void> {
  if (name.startsWith("sha256:"))
    throw new Error(`there is no image ${name} here, and an id cannot be pulled`);
  const stream = await docker.pull(reference(name), {
    ...(platform === undefined ? {} : { platform }),
    abortSignal: operation.signal,
  });
  for await (const message of messagesOf(stream, operation.signal)) {
    if (message.error !== undefined) throw new Error(`pulling image ${name}: ${message.error}`);
    if (message.status !== undefined) operation.progress.status(pullStatus(message));
  }
}

/** Without a tag Docker's API pulls all tags. */
function reference(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? name : `${name}:latest`;
}

function pullStatus(message: { id?: string; status?: string; progress?: string }): string {
  return [message.id, message.status, message.progress].filter((part) => part !== undefined).join(" ");
}
