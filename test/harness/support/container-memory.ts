import { docker } from "./watched-stack.ts";

/** Resident memory of a container's main process, shared pages of its binary included. */
export async function residentMebibytes(container: string): Promise<number> {
  const processes = await docker("top", container, "-eo", "pid,rss");
  const sizes = processes
    .split("\n")
    .slice(1)
    .map((line) => Number(line.trim().split(/\s+/)[1]));
  return Math.max(...sizes) / 1024;
}
